"""Noting: what goes into the audit journal around each call of a verb, whoever calls it."""

import asyncio
import functools
import inspect
import itertools
import json
import logging
import os
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Concatenate, ParamSpec, TypeVar

from bastion.commands.desk import Desk
from bastion.domain.act import Act
from bastion.domain.audit import AuditCall, Outcome
from bastion.domain.principal import Principal, Scope
from bastion.errors import KeyRefused, Refused, VenueError

TEXT_LENGTH_MAX = 500
ITEMS_MAX = 200
IDS = ("exit_id", "halt_id", "refund_id")
AUTHENTICATE = "authenticate"
UNKNOWN_KEY = "unknown key"
# A key that somebody put into a reason must not stay readable for years.
_KEY = re.compile(r"(bst_|sk-bast-)\w+")

_log = logging.getLogger(__name__)
_numbers = itertools.count(1)

P = ParamSpec("P")
R = TypeVar("R")
Ask = Callable[Concatenate[Desk, Principal, P], Coroutine[Any, Any, R]]


def audited(act: Act, call: Ask[P, R]) -> Ask[P, R]:
    """Return the verb with its calls noted: who, by which surface, what, when, and what came of it.

    An act that changes something is noted before it begins and when it ended, a read when it ended. Noting
    waits for nothing, and whatever goes wrong with it is logged and changes neither call nor answer.
    """

    @functools.cache
    def signature() -> inspect.Signature:
        # A process that only exits calls one verb of them all.
        return inspect.signature(call)

    @functools.wraps(call)
    async def ask(desk: Desk, principal: Principal, /, *args: P.args, **kwargs: P.kwargs) -> R:
        began_ns = desk.clock.monotonic_ns()
        said = _said(signature(), args, kwargs)
        note = _Noting(desk=desk, principal=principal, verb=call.__name__, act=act.value, arguments=said)
        if not act.reads:
            note.tell(Outcome.ASKED)
        try:
            report = await call(desk, principal, *args, **kwargs)
        except (Exception, asyncio.CancelledError) as error:
            outcome, code = _failure(error)
            note.tell(outcome, result=code, began_ns=began_ns)
            raise
        note.tell(Outcome.ANSWERED, result=_verdict(report), exit_id=_id_of(report), began_ns=began_ns)
        return report

    return ask


def note_refused_key(desk: Desk, surface: str, key_id: str | None) -> None:
    """Note that a key was refused before it could ask for anything; `key_id` is None for an unknown one.

    Never raises and waits for nothing.
    """
    principal = Principal(id=key_id or UNKNOWN_KEY, surface=surface, scope=Scope.READ)
    note = _Noting(desk=desk, principal=principal, verb=AUTHENTICATE, act=AUTHENTICATE, arguments={})
    note.tell(Outcome.REFUSED, result=KeyRefused.code)


@dataclass(slots=True, kw_only=True)
class _Noting:
    desk: Desk
    principal: Principal
    verb: str
    act: str
    arguments: Mapping[str, object]
    call: str = ""

    def tell(
        self,
        outcome: Outcome,
        *,
        result: str | None = None,
        exit_id: str | None = None,
        began_ns: int | None = None,
    ) -> None:
        try:
            clock = self.desk.clock
            at_ns = clock.now_ns()
            self.call = self.call or f"{at_ns:x}-{os.getpid():x}-{next(_numbers):x}"
            named = next((self.arguments[name] for name in IDS if name in self.arguments), None)
            self.desk.audit.note(
                AuditCall(
                    call=self.call,
                    at_ns=at_ns,
                    principal=self.principal.id,
                    surface=self.principal.surface,
                    verb=self.verb,
                    act=self.act,
                    arguments=json.dumps(
                        self.arguments, sort_keys=True, separators=(",", ":"), allow_nan=False
                    ),
                    outcome=outcome,
                    result=result,
                    exit_id=exit_id or (named if isinstance(named, str) else None),
                    duration_ms=None if began_ns is None else (clock.monotonic_ns() - began_ns) // 1_000_000,
                    paper=self.desk.paper,
                )
            )
        except Exception:  # noqa: BLE001 - a bulkhead: an audit that fails must fail no exit
            _log.exception("A call of %s could not be noted in the audit journal.", self.verb)


def _failure(error: BaseException) -> tuple[Outcome, str]:
    if isinstance(error, Refused):
        return Outcome.REFUSED, error.code
    if isinstance(error, asyncio.CancelledError):
        return Outcome.CALLER_GONE, "CANCELLED"
    return Outcome.FAILED, "EXCHANGE_ERROR" if isinstance(error, VenueError) else "INTERNAL"


def _verdict(report: object) -> str | None:
    for word in (getattr(report, "verdict", None), getattr(report, "state", None)):
        if isinstance(word, Enum):
            return str(word.value)
    success = getattr(report, "success", None)
    return None if success is None else "success" if success else "no success"


def _id_of(report: object) -> str | None:
    found = next((getattr(report, name) for name in IDS if getattr(report, name, None)), None)
    return found if isinstance(found, str) else None


def _said(
    signature: inspect.Signature, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> dict[str, object]:
    try:
        bound = signature.bind_partial(None, None, *args, **kwargs)
    except TypeError:
        return {}  # The call itself is about to fail for the same reason.
    given = list(bound.arguments.items())[2:]
    return {name: _plain(value) for name, value in given if value is not None}


def _plain(value: object) -> object:  # noqa: PLR0911 - one return for each kind of value
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _KEY.sub(r"\1***", value[:TEXT_LENGTH_MAX])
    if isinstance(value, Decimal | float):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in list(value.items())[:ITEMS_MAX]}
    if isinstance(value, set | frozenset):
        return [_plain(item) for item in sorted(value, key=str)[:ITEMS_MAX]]
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value[:ITEMS_MAX]]
    if is_dataclass(value) and not isinstance(value, type):
        told = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {name: one for name, one in told.items() if one not in (None, [], {})}
    return type(value).__name__
