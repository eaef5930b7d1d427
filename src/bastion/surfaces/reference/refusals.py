"""Refusals: the page docs/reference/errors.md: every code, when it comes, what each surface makes of it."""

import json
from collections.abc import Iterable, Mapping

from bastion import errors
from bastion.errors import BastionError, Fault, VenueError
from bastion.surfaces.cli.codes import code_of_error
from bastion.surfaces.rest.problems import CODE_OF_STATUS, problem_of

_HEAD = """\
# Errors

<!-- Written by `make docs`; a test holds it to the code. -->

Every surface tells an error in the same words: `{"error": {"code": ..., "message": ...}}` (over REST as
`application/problem+json` with the same `code`), with `retry_after` in seconds where waiting helps. A refusal
changed nothing. What goes wrong with one order or one venue during an exit is no error of the call: it stands
in `errors`, `residual` and `unread` of the report, and the verdict tells the truth.

| code | class | when | HTTP | exit code |
|---|---|---|---|---|
"""
_HTTP = """
## About a request as HTTP

REST refuses these before any verb is called; the rest of its codes are those above.

| status | code |
|---|---|
"""
_FAULTS = """
## What a venue's refusal means

The `kind` of `bastion_venue_errors_total`. A code that bastion does not know is `resolve`.

| kind | meaning |
|---|---|
"""
FAULT_TEXT: Mapping[Fault, str] = {
    Fault.RETRY: "temporary overload: nothing was executed; sent again shortly",
    Fault.RATE_LIMIT: "over a published limit: nothing was executed; waits for the reset",
    Fault.RESOLVE: "the outcome is unknown: the venue is asked before anything is sent again",
    Fault.MAYBE_FLAT: "the venue says that there is nothing to reduce: the position is read again",
    Fault.BLOCKED: "resting reduce-only orders hold the size: they are cancelled first",
    Fault.BAND: "the price protection refused a market order: the next form of order is tried",
    Fault.SIZE: "the size is above the maximum, below the minimum or off the step",
    Fault.MODE: "the position mode does not fit: the position is read again and the order rebuilt",
    Fault.CLOCK: "our time is outside the venue's window: the clock is synchronised",
    Fault.DUPLICATE: "the client order id was used before: the order is looked up",
    Fault.TERMINAL: "no retry can help: a person must change the key, its rights or its address list",
}


def every_error() -> tuple[BastionError, ...]:
    """Return one of each error that a caller can be told, the tree's own order."""
    return tuple(_one(kind) for kind in _kinds(BastionError) if kind is not VenueError)


def _kinds(parent: type[BastionError]) -> Iterable[type[BastionError]]:
    for kind in parent.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield kind
            yield from _kinds(kind)


def _one(kind: type[BastionError]) -> BastionError:
    if kind is errors.RateLimited:
        return errors.RateLimited("", retry_after_s=1)
    if kind is errors.VenueRejected:
        return errors.VenueRejected("", fault=Fault.TERMINAL)
    return kind("")


def page() -> str:
    """Return the page."""
    rows = []
    for error in every_error():
        problem = problem_of(error)
        when = str(type(error).__doc__).split("\n\n", maxsplit=1)[0]
        code, name, ends = _code(problem.body), type(error).__name__, code_of_error(error).value
        rows.append(f"| `{code}` | `{name}` | {when} | {problem.status} | {ends} |")
    rows.append(
        "| `INTERNAL` | any other | bastion failed; the log says why, the answer does not. | 500 | 1 |"
    )
    told = {_code(problem_of(error).body) for error in every_error()}
    http = [
        f"| {status} | `{code}` |"
        for status, code in CODE_OF_STATUS.items()
        if code not in told | {"INTERNAL"}
    ]
    faults = [f"| `{fault.value}` | {FAULT_TEXT[fault]} |" for fault in Fault]
    return "\n".join([_HEAD + "\n".join(rows), _HTTP + "\n".join(http), _FAULTS + "\n".join(faults), ""])


def _code(body: bytes) -> str:
    return str(json.loads(body)["code"])
