SELECT event_last, withdrawals_suspended FROM venue WHERE id = 1
