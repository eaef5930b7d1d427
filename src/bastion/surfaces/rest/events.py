"""Events: an exit's journal as server-sent events, each with an id, so that a client can go on from it."""

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from bastion import commands
from bastion.commands import moment
from bastion.commands.visible import visible
from bastion.domain.principal import Principal
from bastion.domain.records import Entry, ExitEnded, ExitJudged
from bastion.surfaces.rest.table import Answer
from bastion.surfaces.rest.wire import encoded

LOOK_GAP_S = 0.1
BEAT_S = 10.0
STREAM_S_MAX = 3_600
RETRY_MS = 500
STREAM_TYPE = "text/event-stream"


def event_id(entry: Entry) -> str:
    """Return the id of an entry: its chain (j: the journal, s: its spool) and its number there."""
    return f"{'s' if entry.spooled else 'j'}{entry.seq}"


async def stream(desk: commands.Desk, principal: Principal, exit_id: str, *, last_event: str) -> Answer:
    """Return the exit's events after `last_event` (the empty text, or one that is not known: all of them).

    Raises:
        ScopeDenied: the principal lacks the read scope.
        ExitUnknown: there is no exit of that id.
    """
    # The verb says who may read it and whether it exists.
    await commands.exit_status(desk, principal, exit_id)
    entries = visible(desk.journal.entries(exit_id), principal)
    ids = [event_id(entry) for entry in entries]
    # All that stood before the last event was sent with it or before it.
    sent = set(ids[: ids.index(last_event) + 1]) if last_event in ids else set()
    if len(sent) == len(ids) and _over(desk, exit_id, entries):
        return Answer(response=Response(status_code=204, headers={"Cache-Control": "no-store"}))
    return Answer(
        response=StreamingResponse(
            _events(desk, principal, exit_id, sent),
            media_type=STREAM_TYPE,
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )
    )


async def _events(
    desk: commands.Desk, principal: Principal, exit_id: str, sent: set[str]
) -> AsyncIterator[bytes]:
    yield b"retry: %d\n\n" % RETRY_MS
    quiet_s = 0.0
    for _ in range(int(STREAM_S_MAX / LOOK_GAP_S)):
        entries = visible(desk.journal.entries(exit_id), principal)
        fresh = [entry for entry in entries if event_id(entry) not in sent]
        for entry in fresh:
            sent.add(event_id(entry))
            yield _event(entry)
        if not fresh and _over(desk, exit_id, entries):
            return
        quiet_s = 0.0 if fresh else quiet_s + LOOK_GAP_S
        if quiet_s >= BEAT_S:
            # A comment, so that a silent wire can be told from a dead one.
            quiet_s = 0.0
            yield b": still here\n\n"
        await desk.clock.sleep(LOOK_GAP_S)


def _event(entry: Entry) -> bytes:
    kind = type(entry.record).__name__
    data = {
        "id": event_id(entry),
        "at": moment(entry.at_ns),
        "kind": kind,
        "record": entry.record,
    }
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (
        event_id(entry).encode("ascii"),
        kind.encode("ascii"),
        encoded(data),
    )


def _over(desk: commands.Desk, exit_id: str, entries: tuple[Entry, ...]) -> bool:
    if desk.exit_of(exit_id) is not None:
        return False
    ended = any(isinstance(entry.record, ExitEnded) for entry in entries)
    # Broken off in its hold, or carried out by another process: its verdict is then the last word for now.
    return ended or any(isinstance(entry.record, ExitJudged) for entry in entries)
