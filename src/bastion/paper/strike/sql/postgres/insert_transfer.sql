INSERT INTO transfers
SELECT * FROM unnest(
    %s::bigint[], %s::bigint[], %s::bigint[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[]
)
