"""Naming: the symbol that a caller wrote, in the one form in which this interface names it."""

import re

from bastion.errors import SymbolUnknown

QUOTES = ("FDUSD", "USDT0", "USDT", "USDC", "USDE", "USDH", "BUSD", "USD")
"""The quote currencies that end a symbol; the longer ones are tried first."""

DEFAULT_QUOTE = "USDT"
CROSSED = frozenset({"ETHBTC"})
"""Contracts that are quoted in no dollar: they are named in pair form only."""

RENAMED = {"POL": "MATIC"}
"""The base on this interface by the base at a venue (interface, section 5)."""

DELISTED = frozenset({"LUNA", "FTT"})
"""Bases that the interface knows as delisted."""

LENGTH_MAX = 40
SHOWN_MAX = 32
HINT = "Write it as BTC, BTCUSDT, BTC/USDT, BTC-USDT or BTC/USDT:USDT."

_PAIR = re.compile(r"(?P<base>\w+)[/\-_](?P<quote>[A-Z]+)(?::(?P<settle>[A-Z0-9]+))?(?:-SWAP)?", re.UNICODE)
# BTCUSDT_250627, BTC-27JUN25, BTC-USDT-250627 and BTCUSDM25 are dated contracts, and BTC-USD_UM is one that
# OKX margins by US dollar coins, as venues and our answers name them.
_APART = re.compile(
    r"\w+_\d{6}|\w+-\d{1,2}[A-Z]{3}\d{2}|\w+-\w+-\d{6}|\w+USD[HMUZ]\d{2}|\w+-USD_UM", re.UNICODE
)


def pair_form(text: str) -> str:
    """Return the pair form (BTCUSDT) of a symbol that a caller wrote in any accepted form and any case.

    A bare base means its USDT perpetual, and no other contract of that base: what a short name closes must
    not depend on what happens to be open. A pair form, and whatever our answers show, comes back as it is.
    MATIC is the name of POL (interface, section 5). Whether any venue lists the contract is not checked.

    Raises:
        SymbolUnknown: the text has no accepted form, or its base is delisted.
    """
    word = text.strip().upper()
    if not 0 < len(word) <= LENGTH_MAX:
        raise _unknown(text, HINT)
    if word in CROSSED or _APART.fullmatch(word):
        return interface_name(word)
    found = _PAIR.fullmatch(word)
    if found is not None:
        base, quote = found["base"], found["quote"]
        # BTC/USD:BTC is settled in its base; anything else must name one currency for both.
        if quote not in QUOTES or found["settle"] not in {None, quote, base}:
            raise _unknown(text, HINT)
    elif word.isalnum():
        ending = next((each for each in QUOTES if word.endswith(each)), "")
        # USDC alone is a base, as BTC is.
        quote = ending if ending != word else ""
        base, quote = (word.removesuffix(quote), quote) if quote else (word, DEFAULT_QUOTE)
    else:
        raise _unknown(text, HINT)
    if not base.isalnum():
        raise _unknown(text, HINT)
    if base in DELISTED:
        raise _unknown(text, f"{base} is delisted.")
    return RENAMED.get(base, base) + quote


def interface_name(pair: str) -> str:
    """Return a pair as this interface names it, from the pair as a venue does: POLUSDT is MATICUSDT here."""
    for theirs, ours in RENAMED.items():
        rest = pair.removeprefix(theirs)
        if rest != pair and rest.partition("_")[0] in QUOTES:
            return ours + rest
    return pair


def _unknown(text: str, hint: str) -> SymbolUnknown:
    return SymbolUnknown(f"The symbol {text[:SHOWN_MAX]!r} is not known. {hint} Nothing was done.")
