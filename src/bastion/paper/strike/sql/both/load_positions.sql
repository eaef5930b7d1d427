SELECT id, wallet, symbol, side, margin, leverage, entry_price, spread, opened_at_us, status, funding, exit_price,
       price_pnl, fee, realized, forgiven, closed_at_us, settled_at_us
FROM positions ORDER BY id
