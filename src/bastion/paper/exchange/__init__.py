"""The exchange core, synchronous and deterministic: one venue's accounts, orders and settlement."""
