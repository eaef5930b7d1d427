"""Venues through ccxt: its signing, transport and endpoints, with the raw answers read by us."""
