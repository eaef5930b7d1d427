INSERT INTO payout_queue (seq, position_id, wallet, symbol, need, margin, queued_at_us)
VALUES (%s, %s, %s, %s, %s, %s, %s)
