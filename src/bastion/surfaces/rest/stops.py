"""Stops: the routes of the kill switch and the halt, and those that close a part."""

from bastion import commands
from bastion.commands import KillSwitchReport
from bastion.domain.act import Act
from bastion.domain.verdict import ExitState
from bastion.exits.act_telling import FlattenReport, HaltReport, PartialCloseReport
from bastion.surfaces.rest.bodies import Because, FlattenBody, HaltBody, PartialBody
from bastion.surfaces.rest.table import Answer, Asked, Route, finished, given


async def _kill_switch(asked: Asked) -> Answer:
    body = given(Because, asked.body)
    report = await commands.kill_switch(asked.desk, asked.principal, reason=body.reason, wait_s=asked.wait_s)
    return finished(report, path=f"/v1/exits/{report.exit_id}", judged=report.verdict is not None)


async def _halt(asked: Asked) -> Answer:
    body = given(HaltBody, asked.body)
    report = await commands.halt(
        asked.desk,
        asked.principal,
        selection=body.selection(),
        stops_too=body.stops_too,
        reason=body.reason,
        wait_s=asked.wait_s,
    )
    return finished(report, path=f"/v1/halts/{report.halt_id}", judged=report.verdict is not None)


async def _halt_status(asked: Asked) -> Answer:
    return Answer(report=await commands.halt_status(asked.desk, asked.principal, asked.path["halt_id"]))


async def _flatten(asked: Asked) -> Answer:
    body = given(FlattenBody, asked.body)
    report = await commands.flatten_winners(
        asked.desk,
        asked.principal,
        net=body.net,
        selection=body.selection(),
        reason=body.reason,
        wait_s=asked.wait_s,
    )
    return finished(report, path=f"/v1/exits/{report.exit_id}", judged=report.verdict is not None)


async def _partial(asked: Asked) -> Answer:
    body = given(PartialBody, asked.body)
    report = await commands.partial_close(
        asked.desk,
        asked.principal,
        symbol=body.symbol,
        exit_pct=body.exit_pct,
        selection=body.selection(),
        reason=body.reason,
        wait_s=asked.wait_s,
    )
    return finished(report, path=f"/v1/exits/{report.exit_id}", judged=report.state is not ExitState.EXITING)


ROUTES: tuple[Route, ...] = (
    Route(
        name="killSwitch",
        method="POST",
        path="/v1/kill-switch",
        act=Act.KILL_SWITCH,
        tag="stop",
        summary="Disarm, latch, close everything",
        description=(
            "Disarms the engine, then does what POST /v1/exits does to everything that the key may touch, "
            "and records the market as it stood."
        ),
        answer=KillSwitchReport,
        run=_kill_switch,
        body=Because,
        long=True,
    ),
    Route(
        name="halt",
        method="POST",
        path="/v1/halts",
        act=Act.HALT,
        tag="stop",
        summary="Cancel orders, leave positions",
        description=(
            "Cancels every working order, or those of the part that is named, and latches. Positions stay, "
            "and so do protective stops unless `stops_too` says otherwise."
        ),
        answer=HaltReport,
        run=_halt,
        body=HaltBody,
        long=True,
    ),
    Route(
        name="haltStatus",
        method="GET",
        path="/v1/halts/{halt_id}",
        act=Act.EXIT_STATUS,
        tag="stop",
        summary="How a halt stands",
        description="What the journal says of the halt now; `verdict` is null until it is judged.",
        answer=HaltReport,
        run=_halt_status,
        statuses=(404,),
    ),
    Route(
        name="flattenWinners",
        method="POST",
        path="/v1/flatten-winners",
        act=Act.FLATTEN_WINNERS,
        tag="trade",
        summary="Close what is in profit",
        description="Closes every position in profit and keeps the rest, each with its reason. No undo.",
        answer=FlattenReport,
        run=_flatten,
        body=FlattenBody,
        long=True,
        statuses=(409, 502),
    ),
    Route(
        name="partialClose",
        method="POST",
        path="/v1/partial-closes",
        act=Act.PARTIAL_CLOSE,
        tag="trade",
        summary="Close a part of a position",
        description="Closes a percentage of each position in a symbol, at market, rounded down. No undo.",
        answer=PartialCloseReport,
        run=_partial,
        body=PartialBody,
        long=True,
        statuses=(404, 409, 502),
    ),
)
