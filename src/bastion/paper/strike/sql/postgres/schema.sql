-- The margin venue's ledger. Amounts and prices are micro-USD, times are microseconds since 1970 (UTC).
CREATE TABLE IF NOT EXISTS accounts (
    id BIGINT PRIMARY KEY,
    owner TEXT NOT NULL,
    kind SMALLINT NOT NULL CHECK (kind BETWEEN 0 AND 5),
    debits BIGINT NOT NULL DEFAULT 0 CHECK (debits >= 0),
    credits BIGINT NOT NULL DEFAULT 0 CHECK (credits >= 0),
    version BIGINT NOT NULL DEFAULT 0,
    UNIQUE (owner, kind),
    -- Only custody, which mirrors the outside world, may be overdrawn.
    CHECK (kind = 0 OR credits >= debits)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS positions (
    id BIGINT PRIMARY KEY,
    wallet TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side SMALLINT NOT NULL CHECK (side IN (-1, 1)),
    margin BIGINT NOT NULL CHECK (margin > 0),
    leverage INTEGER NOT NULL CHECK (leverage BETWEEN 1 AND 1000),
    entry_price BIGINT NOT NULL CHECK (entry_price > 0),
    spread BIGINT NOT NULL CHECK (spread >= 0),
    opened_at_us BIGINT NOT NULL,
    status SMALLINT NOT NULL CHECK (status BETWEEN 1 AND 5),
    funding BIGINT NOT NULL,
    exit_price BIGINT,
    price_pnl BIGINT NOT NULL,
    fee BIGINT NOT NULL CHECK (fee >= 0),
    realized BIGINT NOT NULL CHECK (realized >= -margin),
    forgiven BIGINT NOT NULL CHECK (forgiven BETWEEN 0 AND margin),
    closed_at_us BIGINT,
    settled_at_us BIGINT,
    -- An exit realises nothing and pays no fee.
    CHECK (status <> 5 OR (realized = 0 AND fee = 0))
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS transfers (
    id BIGINT PRIMARY KEY,
    event_id BIGINT NOT NULL,
    leg BIGINT NOT NULL,
    code SMALLINT NOT NULL CHECK (code BETWEEN 1 AND 12),
    debit_account BIGINT NOT NULL,
    credit_account BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    position_id BIGINT,
    at_us BIGINT NOT NULL,
    UNIQUE (event_id, leg),
    CHECK (debit_account <> credit_account)
);

-- A second refund of one position is impossible, whatever a program does.
CREATE UNIQUE INDEX IF NOT EXISTS transfers_one_exit ON transfers (position_id) WHERE code = 11;

CREATE TABLE IF NOT EXISTS payout_queue (
    seq BIGINT PRIMARY KEY,
    position_id BIGINT NOT NULL UNIQUE,
    wallet TEXT NOT NULL,
    symbol TEXT NOT NULL,
    need BIGINT NOT NULL CHECK (need > 0),
    margin BIGINT NOT NULL CHECK (margin > 0),
    queued_at_us BIGINT NOT NULL,
    paid_at_us BIGINT
);

CREATE TABLE IF NOT EXISTS idempotency (
    wallet TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    response BYTEA NOT NULL,
    event_id BIGINT NOT NULL,
    position_id BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    PRIMARY KEY (wallet, route, key)
);

CREATE TABLE IF NOT EXISTS chain_tx (
    tx_hash TEXT PRIMARY KEY,
    kind SMALLINT NOT NULL,
    wallet TEXT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0),
    stated_at_us BIGINT NOT NULL,
    recorded_at_us BIGINT NOT NULL,
    event_id BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS markets (
    symbol TEXT PRIMARY KEY,
    mark BIGINT,
    marked_at_us BIGINT,
    halted BOOLEAN NOT NULL
);

CREATE TABLE IF NOT EXISTS venue (
    id SMALLINT PRIMARY KEY CHECK (id = 1),
    event_last BIGINT NOT NULL,
    withdrawals_suspended BOOLEAN NOT NULL
);

INSERT INTO venue VALUES (1, 0, FALSE) ON CONFLICT DO NOTHING;
INSERT INTO accounts (id, owner, kind) VALUES (0, 'venue', 0), (4, 'venue', 4), (5, 'venue', 5)
ON CONFLICT DO NOTHING;

CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$;

CREATE OR REPLACE TRIGGER transfers_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
FOR EACH STATEMENT EXECUTE FUNCTION refuse('transfers are append-only');

CREATE OR REPLACE TRIGGER positions_no_delete BEFORE DELETE OR TRUNCATE ON positions
FOR EACH STATEMENT EXECUTE FUNCTION refuse('positions are kept');

CREATE OR REPLACE TRIGGER positions_fixed_terms
BEFORE UPDATE OF id, wallet, symbol, side, margin, leverage, entry_price, spread, opened_at_us ON positions
FOR EACH STATEMENT EXECUTE FUNCTION refuse('the terms of a position never change');

-- One edge leaves OPEN (1), one leaves CLOSED (2) and it leads to SETTLED (3); nothing leaves the ends.
CREATE OR REPLACE TRIGGER positions_one_end BEFORE UPDATE OF status ON positions
FOR EACH ROW WHEN (NOT (OLD.status = 1 OR (OLD.status = 2 AND NEW.status = 3)))
EXECUTE FUNCTION refuse('a position ends once');
