UPDATE positions AS p
SET status = u.status, funding = u.funding, exit_price = u.exit_price, price_pnl = u.price_pnl, fee = u.fee,
    realized = u.realized, forgiven = u.forgiven, closed_at_us = u.closed_at_us,
    settled_at_us = u.settled_at_us
FROM unnest(
    %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::smallint[]
) AS u (
    status, funding, exit_price, price_pnl, fee, realized, forgiven, closed_at_us, settled_at_us, id, wallet,
    before
)
WHERE p.id = u.id AND p.wallet = u.wallet AND p.status = u.before
