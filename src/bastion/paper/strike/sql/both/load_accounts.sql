SELECT id, owner, kind, debits, credits FROM accounts ORDER BY id
