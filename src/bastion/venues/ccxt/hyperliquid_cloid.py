"""Hyperliquid client ids: 128 bits, in which an id of ours is found again.

Source: Hyperliquid docs, "Exchange endpoint": `cloid` is an optional 128-bit hex string.
"""

import hashlib
import re

_OURS = re.compile(r"bst[0-9a-z]{21}", re.ASCII)
_MARK, _HASHED = "b570", "b57f"
_MARKED = re.compile(r"0xb570([0-9a-f]{28})", re.ASCII)
_HEX = 28
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 21


def cloid_of(client_order_id: str) -> str:
    """Return the client id in the venue's form; the same id always gives the same one."""
    if _OURS.fullmatch(client_order_id):
        return f"0x{_MARK}{int(client_order_id[3:], len(_LETTERS)):0{_HEX}x}"
    return f"0x{_HASHED}{hashlib.sha256(client_order_id.encode()).hexdigest()[:_HEX]}"


def client_id_of(cloid: str) -> str:
    """Return the client id that a `cloid` was made of; one that is not ours is returned as it is."""
    marked = _MARKED.fullmatch(cloid.lower())
    if marked is None:
        return cloid
    number, letters = int(marked.group(1), 16), ""
    for _ in range(_LENGTH):
        number, place = divmod(number, len(_LETTERS))
        letters = _LETTERS[place] + letters
    return f"bst{letters}" if number == 0 else cloid
