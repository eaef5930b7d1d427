"""The margin venue: a market model, a ledger and an identity layer behind a Strike-style wire."""
