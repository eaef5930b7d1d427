INSERT INTO chain_tx VALUES (%s, %s, %s, %s, %s, %s, %s)
