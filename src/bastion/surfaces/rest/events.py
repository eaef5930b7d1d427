"""Events: an exit's journal as server-sent events, each with an id, so that a client can go on from it."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from bastion import commands
from bastion.commands import moment
from bastion.commands.visible import visible
from bastion.domain.mandate import ExitKind
from bastion.domain.principal import Principal
from bastion.domain.records import Entry, ExitEnded, ExitJudged, LegJudged
from bastion.exits.part_words import told_verdict
from bastion.surfaces.rest.table import Answer
from bastion.surfaces.rest.wire import encoded
from bastion.surfaces.schemas import plain

LOOK_GAP_S = 0.1
BEAT_S = 10.0
STREAM_S_MAX = 3_600
RETRY_MS = 500
NUMBER_DIGITS_MAX = 18
STREAM_TYPE = "text/event-stream"


def entry_id(entry: Entry) -> str:
    """Return the id of an entry: its number in the journal, or part of its hash where it was spooled."""
    return f"s{entry.hash[:16]}" if entry.spooled else f"j{entry.seq}"


def reached(last_event: str) -> int:
    """Return the journal's number up to which a client had all entries, 0 for an id that is none of ours."""
    number = last_event.partition("-")[0]
    known = number.isascii() and number.isdecimal() and len(number) <= NUMBER_DIGITS_MAX
    return int(number) if known else 0


async def stream(desk: commands.Desk, principal: Principal, exit_id: str, *, last_event: str) -> Answer:
    """Return the exit's events after `last_event` (the empty text, or one that is not ours: all of them).

    What the journal could not take in time was spooled, and can show late, between earlier entries: after
    a reconnection such events come again, so that none is missed. `id` within the data is the same.

    Raises:
        ScopeDenied: the principal lacks the read scope.
        ExitUnknown: there is no exit of that id.
    """
    # The verb says who may read it and whether it exists.
    asked = (await commands.exit_status(desk, principal, exit_id)).kind
    entries = visible(desk.journal.entries(exit_id), principal)
    number = reached(last_event)
    sent = {entry_id(entry) for entry in entries if not entry.spooled and entry.seq <= number}
    left = [entry for entry in entries if not entry.spooled and entry.seq > number]
    if number and not left and _over(desk, exit_id, entries):
        return Answer(response=Response(status_code=204, headers={"Cache-Control": "no-store"}))
    return Answer(
        response=StreamingResponse(
            _events(desk, principal, exit_id, sent, number, asked),
            media_type=STREAM_TYPE,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    )


async def _events(
    desk: commands.Desk, principal: Principal, exit_id: str, sent: set[str], number: int, asked: ExitKind
) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MS
    quiet_s = 0.0
    for _ in range(int(STREAM_S_MAX / LOOK_GAP_S)):
        entries = visible(desk.journal.entries(exit_id), principal)
        fresh = [entry for entry in entries if entry_id(entry) not in sent]
        for entry in fresh:
            sent.add(entry_id(entry))
            number = number if entry.spooled else max(number, entry.seq)
            yield _event(entry, number, asked)
        if not fresh and _over(desk, exit_id, entries):
            return
        quiet_s = 0.0 if fresh else quiet_s + LOOK_GAP_S
        if quiet_s >= BEAT_S:
            # A comment, so that a silent wire can be told from a dead one.
            quiet_s = 0.0
            yield b": still here\n\n"
        await desk.clock.sleep(LOOK_GAP_S)


def _event(entry: Entry, number: int, asked: ExitKind) -> bytes:
    kind = type(entry.record).__name__
    record: object = entry.record
    if isinstance(record, ExitJudged | LegJudged):
        # The machinery proves an exit and a part alike; what is told of a part never says "flat".
        record = {**plain(record), "verdict": told_verdict(asked, record.verdict)}
    data = {"id": entry_id(entry), "at": moment(entry.at_ns), "kind": kind, "record": record}
    cursor = f"{number}-{entry_id(entry)}" if entry.spooled else str(number)
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        cursor.encode("ascii"),
        kind.encode("ascii"),
        encoded(data),
    )


def _over(desk: commands.Desk, exit_id: str, entries: tuple[Entry, ...]) -> bool:
    if desk.exit_of(exit_id) is not None:
        return False
    ended = any(isinstance(entry.record, ExitEnded) for entry in entries)
    # Broken off in its hold, or carried out by another process: its verdict is then the last word for now.
    return ended or any(isinstance(entry.record, ExitJudged) for entry in entries)
