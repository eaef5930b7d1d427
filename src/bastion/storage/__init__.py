"""Storage: journals, their spool, keys and locks on this machine."""
