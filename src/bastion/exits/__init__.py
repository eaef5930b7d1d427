"""Exits: the decisions of an exit, pure, and the thin executor that drives them."""
