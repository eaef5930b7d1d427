"""The requests of four venues, written by ourselves, since to have ccxt write them costs more than the wire.

Each is byte for byte what ccxt 4.5 writes for the same call, without its broker tags; tests compare them.
"""
