"""Surfaces: where people and programs meet the desk; each only parses, calls a verb and shows its answer."""
