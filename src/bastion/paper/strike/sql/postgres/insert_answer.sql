INSERT INTO idempotency VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
