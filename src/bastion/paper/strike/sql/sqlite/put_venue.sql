UPDATE venue SET event_last = ?, withdrawals_suspended = ? WHERE id = 1
