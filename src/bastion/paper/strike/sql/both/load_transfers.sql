SELECT id, event_id, leg, code, debit_account, credit_account, amount, position_id, at_us FROM transfers ORDER BY id
