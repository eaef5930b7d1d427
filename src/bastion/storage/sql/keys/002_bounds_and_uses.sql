-- What a key may touch, how often it may ask, and how it was used. A key from before these bounds keeps all
-- that it could do: no bound, and the most generous tier that is counted at all.
ALTER TABLE bastion_key ADD COLUMN accounts TEXT;

ALTER TABLE bastion_key ADD COLUMN only_stops INTEGER NOT NULL DEFAULT 0;

ALTER TABLE bastion_key ADD COLUMN notional_cap_usd TEXT;

ALTER TABLE bastion_key ADD COLUMN tier TEXT NOT NULL DEFAULT 'pro';

ALTER TABLE bastion_key ADD COLUMN replaces TEXT;

ALTER TABLE bastion_key ADD COLUMN uses INTEGER NOT NULL DEFAULT 0;

ALTER TABLE bastion_key ADD COLUMN last_used_ms INTEGER;
