"""Hyperliquid client ids: 128 bits, in which an id of ours is found again.

Source: Hyperliquid docs, "Exchange endpoint": `cloid` is an optional 128-bit hex string.
"""

import hashlib
import re

_OURS = re.compile(r"(bst|bsp)([0-9a-z]{21})", re.ASCII)
_MARKS = {"bst": "b570", "bsp": "b571"}
_PREFIXES = {mark: prefix for prefix, mark in _MARKS.items()}
_HASHED = "b57f"
_MARKED = re.compile(r"0x(b57[01])([0-9a-f]{28})", re.ASCII)
_HEX = 28
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 21


def cloid_of(client_order_id: str) -> str:
    """Return the client id in the venue's form; the same id always gives the same one."""
    ours = _OURS.fullmatch(client_order_id)
    if ours is not None:
        return f"0x{_MARKS[ours.group(1)]}{int(ours.group(2), len(_LETTERS)):0{_HEX}x}"
    return f"0x{_HASHED}{hashlib.sha256(client_order_id.encode()).hexdigest()[:_HEX]}"


def client_id_of(cloid: str) -> str:
    """Return the client id that a `cloid` was made of; one that is not ours is returned as it is."""
    marked = _MARKED.fullmatch(cloid.lower())
    if marked is None:
        return cloid
    number, letters = int(marked.group(2), 16), ""
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return _PREFIXES[marked.group(1)] + letters if number == 0 else cloid
