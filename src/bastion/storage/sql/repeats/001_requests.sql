-- Requests that came under an Idempotency-Key: the key's digest, the request's digest, and, once it was
-- answered, the answer as it was sent.
CREATE TABLE requests (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    status INTEGER,
    media_type TEXT,
    headers TEXT,
    body BLOB,
    PRIMARY KEY (owner, key)
) STRICT;

CREATE INDEX requests_by_time ON requests (at_ms);
