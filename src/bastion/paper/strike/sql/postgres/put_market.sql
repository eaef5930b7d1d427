INSERT INTO markets VALUES (%s, %s, %s, %s)
ON CONFLICT (symbol) DO UPDATE
SET mark = excluded.mark, marked_at_us = excluded.marked_at_us, halted = excluded.halted
