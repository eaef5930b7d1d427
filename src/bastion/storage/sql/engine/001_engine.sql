-- The engine's records: one row an entry, bound to the row before it by its hash.
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    account TEXT,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE
) STRICT;

CREATE INDEX entries_by_kind ON entries (kind, seq);

CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE (ABORT, 'the engine''s records are append-only');
END;

CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE (ABORT, 'the engine''s records are append-only');
END;

-- The latest evaluation, replaced by each one; it proves nothing and stands outside of the chain.
CREATE TABLE pulse (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    body TEXT NOT NULL
) STRICT;
