"""Command: every command of the program with its operands and flags, read off the parsers themselves."""

import argparse
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from cyclopts import App

from bastion.shape import dataclass
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.cli.gauntlet import parser as gauntlet_parser
from bastion.surfaces.cli.opening import parser as demo_parser
from bastion.surfaces.cli.parsers import exit_parser, halt_parser, positions_parser, status_parser
from bastion.surfaces.cli.tree import app

Words = tuple[str, ...]

# These are parsed by the standard library alone, before the tree is loaded.
PARSERS: Mapping[Words, Callable[[], argparse.ArgumentParser]] = {
    ("exit",): exit_parser,
    ("halt",): halt_parser,
    ("status",): status_parser,
    ("positions",): positions_parser,
    ("demo",): demo_parser,
    ("gauntlet",): gauntlet_parser,
}

CODES: Mapping[Code, str] = {
    Code.OK: "done; of an exit: FLAT or FLAT_WITH_DUST",
    Code.INTERNAL: "bastion failed, or what was checked is broken; the message says which",
    Code.USAGE: "refused: an argument does not fit, or contradicts the present state; nothing was done",
    Code.UNAUTHORISED: "a bastion key is missing, or is too weak for this",
    Code.CONFIG: "the configuration or the vault cannot be used; of `doctor`: something would stop an exit",
    Code.ABORTED: "aborted with Ctrl-C before anything was sent",
    Code.NOT_FLAT: "NOT_FLAT: what is left is named; of a halt: an order is left; of a refund: refused",
    Code.UNKNOWN: "UNKNOWN: it could not be verified; never take it for flat",
    Code.UNSAFE: "of the gauntlet: the program did something that an exit must never do",
    Code.DETACHED: "it goes on in another process; `bastion watch ID` follows it",
}
"""What each exit code means, for every command."""

_COMMON = (Code.OK, Code.INTERNAL, Code.USAGE)
_DESK = (*_COMMON, Code.CONFIG)
_CODES_OF: Mapping[Words, tuple[Code, ...]] = {
    ("exit",): (*_DESK, Code.ABORTED, Code.NOT_FLAT, Code.UNKNOWN, Code.DETACHED),
    ("halt",): (*_DESK, Code.NOT_FLAT, Code.UNKNOWN, Code.DETACHED),
    ("watch",): (*_DESK, Code.NOT_FLAT, Code.UNKNOWN, Code.DETACHED),
    ("refund",): (*_DESK, Code.NOT_FLAT, Code.UNKNOWN),
    ("demo",): (*_COMMON, Code.NOT_FLAT, Code.UNKNOWN),
    ("gauntlet",): (*_COMMON, Code.CONFIG, Code.UNSAFE),
    ("venues",): _COMMON,
    ("journal", "verify"): _COMMON,
    ("certificate", "verify"): _COMMON,
    ("completion",): _COMMON,
    ("schema",): _COMMON,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag: `value` is the word for its value, empty for a switch; `choices` are all that it may be."""

    name: str
    value: str
    choices: tuple[str, ...]
    file: bool
    needed: bool
    repeats: bool
    default: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """One word that a command takes without a flag."""

    name: str
    choices: tuple[str, ...]
    file: bool
    needed: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command; a group has `parts` and nothing else to do. `tail` is what is written last."""

    words: Words
    text: str
    operands: tuple[Operand, ...] = ()
    flags: tuple[Flag, ...] = ()
    parts: tuple[str, ...] = ()
    tail: str = ""

    @property
    def name(self) -> str:
        """The words behind `bastion`."""
        return " ".join(self.words)

    @property
    def summary(self) -> str:
        """The first paragraph of its text, on one line."""
        return " ".join(self.text.partition("\n\n")[0].split())

    @property
    def brief(self) -> str:
        """The first sentence of its text, without its full stop."""
        return self.summary.partition(". ")[0].rstrip(".")

    @property
    def codes(self) -> tuple[Code, ...]:
        """The exit codes that it can end with."""
        return _CODES_OF.get(self.words, _DESK)

    @property
    def usage(self) -> str:
        """How it is written."""
        operands = [one.name if one.needed else f"[{one.name}]" for one in self.operands]
        needed = [f"{flag.name} {flag.value}" for flag in self.flags if flag.needed]
        more = ["[...]"] if any(not flag.needed for flag in self.flags) else []
        tail = [self.tail] if self.tail else []
        return " ".join(["bastion", *self.words, *operands, *needed, *more, *tail])


def commands() -> tuple[Command, ...]:
    """Return every command and group, sorted by name."""
    return tuple(sorted(_walk(app, ()), key=lambda one: one.words))


def _walk(parent: App, words: Words) -> Iterator[Command]:
    for name in parent:
        if name.startswith("-"):
            continue
        found, path = parent[name], (*words, name)
        inner = [part for part in found if not part.startswith("-")]
        if inner:
            yield Command(words=path, text=str(found.help), parts=tuple(sorted(inner)))
            yield from _walk(found, path)
        elif path in PARSERS:
            yield _plain(path, PARSERS[path]())
        else:
            yield _tree(path, found)


def _tree(words: Words, found: App) -> Command:
    text, told = _docstring(str(found.help))
    operands: list[Operand] = []
    flags: list[Flag] = []
    for argument in found.assemble_argument_collection():
        if argument.parameter.show is False:
            continue
        name, needed, hint = argument.names[0], bool(argument.required), argument.hint
        choices, file = _choices(hint), Path in _kinds(hint)
        help_text = str(argument.parameter.help or told.get(name.lower(), ""))
        if not name.startswith("-"):
            operands.append(Operand(name=name, choices=choices, file=file, needed=needed, text=help_text))
            continue
        flags.append(
            Flag(
                name=name,
                value=_value(name, hint, choices),
                choices=choices,
                file=file,
                needed=needed,
                repeats=False,
                default=_default(argument.field_info.default),
                text=help_text,
            )
        )
    return Command(words=words, text=text, operands=tuple(operands), flags=tuple(flags))


def _docstring(text: str) -> tuple[str, Mapping[str, str]]:
    body, _, section = inspect.cleandoc(text).partition("Parameters\n----------\n")
    told: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if line.startswith(" "):
            told[name] = f"{told[name]} {line.strip()}".strip()
        elif line.strip():
            name = line.strip()
            told[name] = ""
    return body.strip(), told


def _kinds(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - an annotation has no narrower type
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


def _choices(hint: Any) -> tuple[str, ...]:  # noqa: ANN401 - as in `_kinds`
    found = [word for kind in _kinds(hint) if get_origin(kind) is Literal for word in get_args(kind)]
    return tuple(str(word) for word in found)


def _value(name: str, hint: Any, choices: tuple[str, ...]) -> str:  # noqa: ANN401 - as in `_kinds`
    kinds = _kinds(hint)
    if bool in kinds:
        return ""
    if choices:
        return "WORD"
    if Path in kinds:
        return "FILE"
    return "N" if int in kinds else name.rpartition("-")[2].upper()


def _default(value: object) -> str:
    return "" if value in {None, False, ""} or value is inspect.Parameter.empty else str(value)


def _plain(words: Words, parser: argparse.ArgumentParser) -> Command:
    flags = [
        Flag(
            name=action.option_strings[0],
            value="" if action.nargs == 0 else _metavar(action),
            choices=tuple(str(word) for word in action.choices or ()),
            file=action.type is Path,
            needed=action.required,
            repeats=isinstance(action.default, list),
            default="",
            text=str(action.help or ""),
        )
        for action in parser._actions  # noqa: SLF001 - argparse tells its flags in no other way
        if action.option_strings and action.dest != "help"
    ]
    tail = (parser.usage or "").partition(" [...] ")[2]
    return Command(words=words, text=str(parser.description), flags=tuple(flags), tail=tail)


def _metavar(action: argparse.Action) -> str:
    word = str(action.metavar) if action.metavar is not None else "WORD"
    return f"[{word}]" if action.nargs == "?" else word
