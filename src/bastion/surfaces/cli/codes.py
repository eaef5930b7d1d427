"""Codes: what the process's exit code says, the same for every command."""

from enum import IntEnum

from bastion.domain.verdict import HaltVerdict, PartVerdict, Verdict
from bastion.errors import ConfigInvalid, KeyRefused, Refused, ScopeDenied


class Code(IntEnum):
    """The exit codes of `bastion`."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    UNAUTHORISED = 4
    CONFIG = 5
    ABORTED = 6
    NOT_FLAT = 10
    UNKNOWN = 11
    UNSAFE = 12
    DETACHED = 130


_VERDICTS: dict[Verdict | PartVerdict, Code] = {
    Verdict.FLAT: Code.OK,
    Verdict.FLAT_WITH_DUST: Code.OK,
    Verdict.NOT_FLAT: Code.NOT_FLAT,
    Verdict.UNKNOWN: Code.UNKNOWN,
    PartVerdict.REDUCED: Code.OK,
    PartVerdict.CLOSED: Code.OK,
    PartVerdict.NOT_REDUCED: Code.NOT_FLAT,
    PartVerdict.NOT_CLOSED: Code.NOT_FLAT,
}
"""UNKNOWN of either kind is the same text, and so the same entry."""


def code_of_verdict(verdict: Verdict | PartVerdict | None) -> Code:
    """Return the code of a verdict; None means that the exit still goes on, without this process."""
    return Code.DETACHED if verdict is None else _VERDICTS[verdict]


_HALTS = {
    HaltVerdict.HALTED: Code.OK,
    HaltVerdict.NOT_HALTED: Code.NOT_FLAT,
    HaltVerdict.UNKNOWN: Code.UNKNOWN,
}


def code_of_halt(verdict: HaltVerdict | None) -> Code:
    """Return the code of a halt; None means that it still goes on, without this process."""
    return Code.DETACHED if verdict is None else _HALTS[verdict]


def code_of_error(error: BaseException) -> Code:
    """Return the code of an error that ended the command."""
    if isinstance(error, ConfigInvalid):
        return Code.CONFIG
    if isinstance(error, KeyRefused | ScopeDenied):
        return Code.UNAUTHORISED
    if isinstance(error, Refused):
        return Code.USAGE
    return Code.INTERNAL
