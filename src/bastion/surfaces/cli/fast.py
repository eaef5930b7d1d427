"""Fast path: `exit`, `halt` and `status`, parsed and run with nothing but the standard library in front."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

from bastion.app import Place, find_place
from bastion.errors import BastionError
from bastion.surfaces.cli.codes import Code, code_of_error
from bastion.surfaces.cli.loading import load
from bastion.surfaces.cli.parsers import exit_parser, halt_parser, status_parser
from bastion.surfaces.cli.press import ExitOptions, run_exit, run_status
from bastion.surfaces.cli.selecting import selection_of
from bastion.surfaces.cli.view import complain, emit
from bastion.surfaces.schemas import dumps, error_document


def run(arguments: Sequence[str]) -> int:
    """Run `exit ...`, `halt ...` or `status ...` and return the exit code."""
    json = "--json" in arguments
    return guarded(lambda: _run(arguments), json=json)


def _run(arguments: Sequence[str]) -> int:
    if arguments[0] == "status":
        parsed = status_parser().parse_args(arguments[1:])
        return drive(lambda: run_status(find_place(config=parsed.config), json=parsed.json))
    if arguments[0] == "halt":
        return _halt(arguments[1:])
    parsed = exit_parser().parse_args(arguments[1:])
    place: Place = find_place(config=parsed.config)
    selection = selection_of(parsed)
    if parsed.dry_run:
        return drive(lambda: load("acting").run_dry_exit(place, selection, json=parsed.json))
    options = ExitOptions(
        now=parsed.now,
        json=parsed.json,
        resume=parsed.resume,
        reason=parsed.reason,
        deadline_s=parsed.deadline,
        hold_s=Decimal(0) if parsed.no_hold else parsed.hold,
        selection=selection,
    )
    return drive(lambda: run_exit(place, options))


def _halt(arguments: Sequence[str]) -> int:
    parsed = halt_parser().parse_args(arguments)
    acting = load("acting")
    options = acting.HaltOptions(
        selection=selection_of(parsed),
        stops_too=parsed.stops_too,
        reason=parsed.reason,
        dry_run=parsed.dry_run,
        json=parsed.json,
    )
    return drive(lambda: acting.run_halt(find_place(config=parsed.config), options))


def drive(command: Callable[[], Awaitable[int]]) -> int:
    """Run one asynchronous command to its end and return its exit code."""

    async def whole() -> int:
        return await command()

    return asyncio.run(whole())


def guarded(command: Callable[[], int], *, json: bool) -> int:
    """Run the command; an error becomes a sentence (or, with `json`, a document) and its exit code."""
    try:
        return command()
    except BastionError as error:
        refuse(error, json=json)
        return code_of_error(error)
    except ExceptionGroup as group:
        known = next((found for found in _leaves(group) if isinstance(found, BastionError)), None)
        if known is None:
            raise
        refuse(known, json=json)
        return code_of_error(known)
    except KeyboardInterrupt:
        complain("Aborted.")
        return Code.ABORTED


def refuse(error: BastionError, *, json: bool) -> None:
    """Tell the error: one JSON document on standard output, or one sentence on standard error."""
    if json:
        emit(dumps(error_document(error)))
    else:
        complain(f"bastion: {error}")


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
