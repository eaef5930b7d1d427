UPDATE venue SET event_last = %s, withdrawals_suspended = %s WHERE id = 1
