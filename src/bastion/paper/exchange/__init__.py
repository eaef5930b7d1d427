"""The exchange core: accounts, orders, matching and settlement of one venue.

Synchronous and deterministic.
"""
