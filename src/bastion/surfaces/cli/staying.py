"""Staying: `up` and `mcp` as they are mostly written, without the full command tree.

What such a process loads it holds for weeks: the tree and its library are 6 MiB that no server uses.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from bastion.place import find_place
from bastion.surfaces.cli.loading import load

_OPTIONS: Mapping[str, frozenset[str]] = {
    "up": frozenset({"--port", "--tools", "--config"}),
    "mcp": frozenset({"--tools", "--config"}),
}

_DIGITS_MAX = 5


def run(arguments: Sequence[str]) -> int:
    """Run `up ...` or `mcp ...` and return the exit code; the full tree reads what is not understood here."""
    name, *rest = arguments
    chosen = _plainly(rest, _OPTIONS[name])
    port = "0" if chosen is None else chosen.get("--port", "0")
    if chosen is None or not (port.isascii() and port.isdecimal() and len(port) <= _DIGITS_MAX):
        return int(load("tree").run(arguments))
    return int(load("fast").guarded(lambda: _serve(name, chosen), json=False))


def _serve(name: str, chosen: Mapping[str, str]) -> int:
    servers: Any = load("servers")
    config = chosen.get("--config")
    place = find_place(config=None if config is None else Path(config))
    tools = chosen.get("--tools")
    if name == "mcp":
        return int(servers.run_mcp(place, print_config=False, client="", tools=tools))
    return int(servers.run_up(place, port=int(chosen.get("--port", servers.PORT)), tools=tools))


def _plainly(words: Sequence[str], known: Collection[str]) -> Mapping[str, str] | None:
    """Return each option's value; None where something else stands there, or an option twice."""
    found: dict[str, str] = {}
    left = iter(words)
    for word in left:
        option, equals, value = word.partition("=")
        if not equals:
            value = next(left, "")
        if option not in known or option in found or not value or value.startswith("-"):
            return None
        found[option] = value
    return found
