-- Each row is a broken promise; a sound ledger gives none.
SELECT 'account ' || a.id || ' differs from its transfers' AS problem
FROM accounts AS a
LEFT JOIN (
    SELECT account, SUM(debit) AS debits, SUM(credit) AS credits
    FROM (
        SELECT debit_account AS account, amount AS debit, 0 AS credit FROM transfers
        UNION ALL
        SELECT credit_account, 0, amount FROM transfers
    ) AS sides
    GROUP BY account
) AS t ON t.account = a.id
WHERE a.debits <> COALESCE(t.debits, 0) OR a.credits <> COALESCE(t.credits, 0)
UNION ALL
SELECT 'account ' || a.id || ' differs from its positions'
FROM accounts AS a
LEFT JOIN (
    SELECT wallet, CASE status WHEN 1 THEN 2 ELSE 3 END AS kind, SUM(margin) AS held
    FROM positions WHERE status IN (1, 2) GROUP BY wallet, status
) AS p ON p.wallet = a.owner AND p.kind = a.kind
WHERE a.kind IN (2, 3) AND a.credits - a.debits <> COALESCE(p.held, 0)
UNION ALL
SELECT 'position ' || p.id || ' waits without a claim, or has a claim without waiting'
FROM positions AS p
LEFT JOIN payout_queue AS q ON q.position_id = p.id AND q.paid_at_us IS NULL
WHERE (p.status = 2) <> (q.seq IS NOT NULL)
UNION ALL
SELECT 'position ' || p.id || ' was exited without its refund, or refunded without its exit'
FROM positions AS p
LEFT JOIN transfers AS t ON t.position_id = p.id AND t.code = 11 AND t.amount = p.margin
WHERE (p.status = 5) <> (t.id IS NOT NULL)
