INSERT INTO accounts (id, owner, kind) VALUES (%s, %s, %s)
