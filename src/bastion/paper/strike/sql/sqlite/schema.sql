-- The margin venue's ledger. Amounts and prices are micro-USD, times are microseconds since 1970 (UTC).
CREATE TABLE IF NOT EXISTS accounts (
    id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 5),
    debits INTEGER NOT NULL DEFAULT 0 CHECK (debits >= 0),
    credits INTEGER NOT NULL DEFAULT 0 CHECK (credits >= 0),
    version INTEGER NOT NULL DEFAULT 0,
    UNIQUE (owner, kind),
    -- Only custody, which mirrors the outside world, may be overdrawn.
    CHECK (kind = 0 OR credits >= debits)
) STRICT;

CREATE TABLE IF NOT EXISTS positions (
    id INTEGER PRIMARY KEY,
    wallet TEXT NOT NULL,
    symbol TEXT NOT NULL,
    side INTEGER NOT NULL CHECK (side IN (-1, 1)),
    margin INTEGER NOT NULL CHECK (margin > 0),
    leverage INTEGER NOT NULL CHECK (leverage BETWEEN 1 AND 1000),
    entry_price INTEGER NOT NULL CHECK (entry_price > 0),
    spread INTEGER NOT NULL CHECK (spread >= 0),
    opened_at_us INTEGER NOT NULL,
    status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 5),
    funding INTEGER NOT NULL,
    exit_price INTEGER,
    price_pnl INTEGER NOT NULL,
    fee INTEGER NOT NULL CHECK (fee >= 0),
    realized INTEGER NOT NULL CHECK (realized >= -margin),
    forgiven INTEGER NOT NULL CHECK (forgiven BETWEEN 0 AND margin),
    closed_at_us INTEGER,
    settled_at_us INTEGER,
    -- An exit realises nothing and pays no fee.
    CHECK (status <> 5 OR (realized = 0 AND fee = 0))
) STRICT;

CREATE TABLE IF NOT EXISTS transfers (
    id INTEGER PRIMARY KEY,
    event_id INTEGER NOT NULL,
    leg INTEGER NOT NULL,
    code INTEGER NOT NULL CHECK (code BETWEEN 1 AND 12),
    debit_account INTEGER NOT NULL,
    credit_account INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    position_id INTEGER,
    at_us INTEGER NOT NULL,
    UNIQUE (event_id, leg),
    CHECK (debit_account <> credit_account)
) STRICT;

-- A second refund of one position is impossible, whatever a program does.
CREATE UNIQUE INDEX IF NOT EXISTS transfers_one_exit ON transfers (position_id) WHERE code = 11;

CREATE TABLE IF NOT EXISTS payout_queue (
    seq INTEGER PRIMARY KEY,
    position_id INTEGER NOT NULL UNIQUE,
    wallet TEXT NOT NULL,
    symbol TEXT NOT NULL,
    need INTEGER NOT NULL CHECK (need > 0),
    margin INTEGER NOT NULL CHECK (margin > 0),
    queued_at_us INTEGER NOT NULL,
    paid_at_us INTEGER
) STRICT;

CREATE TABLE IF NOT EXISTS idempotency (
    wallet TEXT NOT NULL,
    route TEXT NOT NULL,
    key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    response BLOB NOT NULL,
    event_id INTEGER NOT NULL,
    position_id INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    PRIMARY KEY (wallet, route, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chain_tx (
    tx_hash TEXT PRIMARY KEY,
    kind INTEGER NOT NULL,
    wallet TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    stated_at_us INTEGER NOT NULL,
    recorded_at_us INTEGER NOT NULL,
    event_id INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS markets (
    symbol TEXT PRIMARY KEY,
    mark INTEGER,
    marked_at_us INTEGER,
    halted INTEGER NOT NULL CHECK (halted IN (0, 1))
) STRICT;

CREATE TABLE IF NOT EXISTS venue (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    event_last INTEGER NOT NULL,
    withdrawals_suspended INTEGER NOT NULL CHECK (withdrawals_suspended IN (0, 1))
) STRICT;

INSERT OR IGNORE INTO venue VALUES (1, 0, 0);
INSERT OR IGNORE INTO accounts (id, owner, kind) VALUES (0, 'venue', 0), (4, 'venue', 4), (5, 'venue', 5);

CREATE TRIGGER IF NOT EXISTS transfers_no_update BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'transfers are append-only'); END;

CREATE TRIGGER IF NOT EXISTS transfers_no_delete BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'transfers are append-only'); END;

-- INSERT OR REPLACE deletes without firing the trigger above, so ids may only grow.
CREATE TRIGGER IF NOT EXISTS transfers_no_replace BEFORE INSERT ON transfers
WHEN NEW.id <= (SELECT MAX(id) FROM transfers)
BEGIN SELECT RAISE(ABORT, 'transfers are append-only'); END;

CREATE TRIGGER IF NOT EXISTS transfers_no_replaced_leg BEFORE INSERT ON transfers
WHEN EXISTS (SELECT 1 FROM transfers WHERE event_id = NEW.event_id AND leg = NEW.leg)
  OR (NEW.code = 11 AND EXISTS (SELECT 1 FROM transfers WHERE code = 11 AND position_id = NEW.position_id))
BEGIN SELECT RAISE(ABORT, 'transfers are append-only'); END;

CREATE TRIGGER IF NOT EXISTS positions_no_delete BEFORE DELETE ON positions
BEGIN SELECT RAISE(ABORT, 'positions are kept'); END;

CREATE TRIGGER IF NOT EXISTS positions_fixed_terms
BEFORE UPDATE OF id, wallet, symbol, side, margin, leverage, entry_price, spread, opened_at_us ON positions
BEGIN SELECT RAISE(ABORT, 'the terms of a position never change'); END;

-- One edge leaves OPEN (1), one leaves CLOSED (2) and it leads to SETTLED (3); nothing leaves the ends.
CREATE TRIGGER IF NOT EXISTS positions_one_end BEFORE UPDATE OF status ON positions
WHEN NOT (OLD.status = 1 OR (OLD.status = 2 AND NEW.status = 3))
BEGIN SELECT RAISE(ABORT, 'a position ends once'); END;
