CREATE TABLE answers (
    digest TEXT PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE uses (
    exit_id TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES answers (digest) ON DELETE CASCADE,
    at_ns INTEGER NOT NULL,
    PRIMARY KEY (exit_id, digest)
) WITHOUT ROWID;
