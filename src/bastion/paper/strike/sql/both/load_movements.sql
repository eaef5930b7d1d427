SELECT tx_hash, kind, wallet, amount, stated_at_us, recorded_at_us, event_id FROM chain_tx ORDER BY event_id
