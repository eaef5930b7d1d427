"""Auth: who may ask (keys), and what bastion may use at the venues (vault)."""
