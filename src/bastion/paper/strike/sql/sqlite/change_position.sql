UPDATE positions
SET status = ?, funding = ?, exit_price = ?, price_pnl = ?, fee = ?, realized = ?, forgiven = ?,
    closed_at_us = ?, settled_at_us = ?
WHERE id = ? AND wallet = ? AND status = ?
