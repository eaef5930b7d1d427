SELECT symbol, mark, marked_at_us, halted FROM markets ORDER BY symbol
