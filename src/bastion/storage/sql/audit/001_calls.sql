-- The audit journal: one row for each thing told of a call, bound to the row before it by its hash. What is
-- searched by is derived from the body, so that it cannot say anything else.
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    call TEXT GENERATED ALWAYS AS (json_extract(body, '$.call')) VIRTUAL,
    act TEXT GENERATED ALWAYS AS (json_extract(body, '$.act')) VIRTUAL,
    principal TEXT GENERATED ALWAYS AS (json_extract(body, '$.principal')) VIRTUAL,
    exit_id TEXT GENERATED ALWAYS AS (json_extract(body, '$.exit_id')) VIRTUAL
) STRICT;

CREATE INDEX entries_by_call ON entries (call, seq);

CREATE INDEX entries_by_principal ON entries (principal, seq);

CREATE INDEX entries_by_exit ON entries (exit_id, seq);

CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE (ABORT, 'the audit journal is append-only');
END;

CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE (ABORT, 'the audit journal is append-only');
END;
