UPDATE accounts SET debits = debits + ?, credits = credits + ?, version = version + 1 WHERE id = ?
