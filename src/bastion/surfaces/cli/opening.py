"""Opening: the demo's first line, shown before anything that takes time is loaded."""

import importlib
from collections.abc import Sequence

from bastion.errors import BastionError
from bastion.surfaces.cli.line import LineParser
from bastion.surfaces.cli.view import emit, version


def parser() -> LineParser:
    """Return the parser of `bastion demo`."""
    line = LineParser(
        prog="bastion demo",
        description="See it work on two embedded exchanges: no keys, no network, about 20 seconds. Act 1: "
        "the market falls and everything is closed. Act 2: the same, while one exchange is in trouble.",
        allow_abbrev=False,
    )
    line.add_argument("--fast", action="store_true", help="at machine speed")
    line.add_argument("--json", action="store_true", help="answer with one JSON document, at machine speed")
    line.add_argument("--act", type=int, choices=(1, 2), help="only this act")
    return line


def run(arguments: Sequence[str]) -> int:
    """Run `demo ...` and return the exit code."""
    json = "--json" in arguments
    refusal: BastionError | None = None
    try:
        parsed = parser().parse_args(arguments[1:])
    except BastionError as error:
        refusal = error
    if refusal is None and not json:
        emit(f"bastion {version()} \u00b7 PAPER \u00b7 two embedded venues (paper-binance, paper-bybit)")
    fast = importlib.import_module("bastion.surfaces.cli.fast")

    def command() -> int:
        if refusal is not None:
            raise refusal
        demo = importlib.import_module("bastion.surfaces.cli.demo")
        return int(demo.run_demo(fast=parsed.fast, json=json, act=parsed.act))

    return int(fast.guarded(command, json=json))
