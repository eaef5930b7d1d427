"""Wires: each speaks one venue's HTTP protocol on top of the exchange core."""
