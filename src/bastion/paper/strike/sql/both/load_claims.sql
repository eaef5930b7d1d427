SELECT seq, position_id, wallet, symbol, need, margin, queued_at_us
FROM payout_queue WHERE paid_at_us IS NULL ORDER BY seq
