"""Selecting: the flags by which a command is meant for a part of the desk only."""

import argparse

from bastion.domain.position import Side
from bastion.domain.selection import Selection

FLAGS = (
    ("--venue", "venues", "VENUE", "only accounts at this venue"),
    ("--account", "accounts", "NAME", "only this account"),
    ("--symbol", "symbols", "SYMBOL", "only this symbol, such as BTCUSDT"),
    ("--except-account", "except_accounts", "NAME", "all but this account"),
    ("--except-symbol", "except_symbols", "SYMBOL", "all but this symbol"),
)


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the flags to a parser; each can be given several times, none of them means everything."""
    group = parser.add_argument_group(
        "a part only", "Each may be repeated. Without them everything is meant."
    )
    for flag, name, metavar, text in FLAGS:
        group.add_argument(flag, dest=name, action="append", default=[], metavar=metavar, help=text)
    group.add_argument("--side", choices=("long", "short"), help="only positions of this side")


def selection_of(parsed: argparse.Namespace) -> Selection:
    """Return the part that was named."""
    return Selection(
        **{name: frozenset(getattr(parsed, name)) for _, name, _, _ in FLAGS},
        sides=frozenset() if parsed.side is None else frozenset({Side(parsed.side.upper())}),
    )


def body_of(parsed: argparse.Namespace) -> dict[str, object]:
    """Return the part as the fields of a request to the daemon."""
    given = {name: getattr(parsed, name) for _, name, _, _ in FLAGS if getattr(parsed, name)}
    return given if parsed.side is None else {**given, "side": parsed.side.upper()}
