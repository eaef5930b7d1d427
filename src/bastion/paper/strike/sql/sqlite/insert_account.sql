INSERT INTO accounts (id, owner, kind) VALUES (?, ?, ?)
