INSERT INTO positions
SELECT * FROM unnest(
    %s::bigint[], %s::text[], %s::text[], %s::smallint[], %s::bigint[], %s::int[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::smallint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[],
    %s::bigint[], %s::bigint[], %s::bigint[]
)
