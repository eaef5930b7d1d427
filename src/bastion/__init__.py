"""bastion: the emergency exit of leveraged trading."""
