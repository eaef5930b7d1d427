"""Parsers: what `exit`, `halt`, `status` and `positions` understand, read with the standard library alone."""

import argparse
from decimal import Decimal
from pathlib import Path

from bastion.domain.money import decimal
from bastion.surfaces.cli.line import LineParser
from bastion.surfaces.cli.selecting import add_selection


def _seconds(text: str) -> Decimal:
    try:
        return decimal(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is no number of seconds") from None


def exit_parser() -> LineParser:
    """Return the parser of `bastion exit`."""
    parser = LineParser(
        prog="bastion exit",
        description="Close every open position and cancel every order on every configured account, at market "
        "and reduce-only, prove that nothing is left, and say what it cost. There is no undo.",
        epilog="Exit codes: 0 flat, 4 key or scope, 5 configuration, 6 aborted before anything was sent, "
        "10 NOT FLAT, 11 UNKNOWN (could not be verified), 130 the exit goes on in another process.",
        allow_abbrev=False,
    )
    parser.add_argument("--now", action="store_true", help="skip the second in which Ctrl-C aborts")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.add_argument("--standalone", action="store_true", help="carry the exit out in this process")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (BASTION_CONFIG)")
    parser.add_argument(
        "--resume", nargs="?", const="", metavar="ID", help="take up an exit that has no verdict (the newest)"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for the journal and the report")
    parser.add_argument("--deadline", type=_seconds, metavar="S", help="answer within S seconds (60)")
    parser.add_argument("--dry-run", action="store_true", help="show what would be sent, and send nothing")
    add_selection(parser)
    holding = parser.add_mutually_exclusive_group()
    holding.add_argument("--hold", type=_seconds, metavar="S", help="keep looking for S seconds after FLAT")
    holding.add_argument("--no-hold", action="store_true", help="end at the verdict")
    return parser


def halt_parser() -> LineParser:
    """Return the parser of `bastion halt`."""
    parser = LineParser(
        prog="bastion halt",
        description="Cancel every working order on every configured account at once, leave the positions and "
        "the stops that protect them, prove it, and block all opening of ours until `bastion reset`.",
        epilog="Exit codes: 0 done, 4 key or scope, 5 configuration, 10 an order is left, 11 could not be "
        "verified.",
        allow_abbrev=False,
    )
    parser.add_argument("--stops-too", action="store_true", help="cancel protective stops as well")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.add_argument("--standalone", action="store_true", help="carry it out in this process")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (BASTION_CONFIG)")
    parser.add_argument("--reason", metavar="TEXT", help="why, for the journal and the report")
    parser.add_argument("--dry-run", action="store_true", help="show what would be cancelled; send nothing")
    add_selection(parser)
    return parser


def status_parser() -> LineParser:
    """Return the parser of `bastion status`."""
    parser = LineParser(
        prog="bastion status",
        description="Show how the desk stands: its word, its accounts, what their credentials may do, and "
        "the last exit. Changes nothing.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.add_argument("--standalone", action="store_true", help="ask the exchanges from this process")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (BASTION_CONFIG)")
    return parser


def positions_parser() -> LineParser:
    """Return the parser of `bastion positions`."""
    parser = LineParser(
        prog="bastion positions",
        description="Show what is open on every account, what could not be read, and what would hinder an "
        "exit. Changes nothing.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    parser.add_argument("--standalone", action="store_true", help="ask the exchanges from this process")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration (BASTION_CONFIG)")
    return parser


def fast_usages() -> str:
    """Return how the commands that need no tree are written, each with all of its flags."""
    parsers = (exit_parser(), halt_parser(), status_parser(), positions_parser())
    usages = (" ".join(parser.format_usage().split()).removeprefix("usage: ") for parser in parsers)
    return "\n\n".join(usages)
