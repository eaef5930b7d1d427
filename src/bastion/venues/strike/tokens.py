"""Tokens: what a Privy access token says of its own life; it is believed for nothing else."""

import base64
import json
from decimal import Decimal

from bastion.domain.account import Access
from bastion.errors import AnswerMalformed
from bastion.venues.raw import Row

SEGMENTS = 3
SHORT_S = 600


def token_access(token: str, *, now_s: int) -> Access:
    """Return whether the token is still good by its own word; whether it may trade is not known."""
    expires_s = _expires_s(token)
    if expires_s is None:
        return Access(
            can_read=True, can_trade=False, notes=("The access token is no JWT; store a fresh one.",)
        )
    if expires_s <= now_s:
        return Access(
            can_read=True, can_trade=False, notes=("The access token has expired; store a fresh one.",)
        )
    left_min = (expires_s - now_s) // 60
    word = "only " if expires_s - now_s < SHORT_S else ""
    note = f"The access token is good for {word}{left_min} min more; an API key does not expire."
    return Access(can_read=True, notes=(note,))


def _expires_s(token: str) -> int | None:
    parts = token.split(".")
    if len(parts) != SEGMENTS:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded), parse_float=Decimal)
        return Row(claims, "token").integer("exp")
    except (ValueError, AnswerMalformed):
        return None
