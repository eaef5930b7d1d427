UPDATE accounts AS a
SET debits = a.debits + u.debits, credits = a.credits + u.credits, version = a.version + 1
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS u (debits, credits, id)
WHERE a.id = u.id
