SELECT wallet, route, key, request_hash, response, event_id, position_id, created_at_us
FROM idempotency ORDER BY event_id
