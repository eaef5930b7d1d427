"""The engine: the standing watch over positions, its guards, and what it does when it is armed."""
