"""Exits: the routes that start, follow and finish an emergency exit."""

from starlette.responses import Response

from bastion import commands
from bastion.commands import ExitsReport
from bastion.domain.act import Act
from bastion.exits.report import ExitReport
from bastion.surfaces.rest.bodies import ExitBody, LimitQuery, Nothing, decimal_of
from bastion.surfaces.rest.events import STREAM_TYPE, stream
from bastion.surfaces.rest.table import Answer, Asked, Route, finished, given
from bastion.surfaces.rest.wire import JSON_TYPE

NEWEST = "newest"
"""In the place of an exit's id, to resume one: no id is this word."""


async def _exit(asked: Asked) -> Answer:
    body = given(ExitBody, asked.body)
    report = await commands.emergency_exit(
        asked.desk,
        asked.principal,
        selection=body.selection(),
        reason=body.reason,
        deadline_s=decimal_of(body.deadline_s),
        hold_s=decimal_of(body.hold_s),
        wait_s=asked.wait_s,
    )
    return _answer(report)


def _answer(report: ExitReport) -> Answer:
    return finished(report, path=f"/v1/exits/{report.exit_id}", judged=report.verdict is not None)


async def _list(asked: Asked) -> Answer:
    limit = given(LimitQuery, asked.query).limit
    return Answer(report=await commands.list_exits(asked.desk, asked.principal, limit=limit))


async def _status(asked: Asked) -> Answer:
    report = await commands.exit_status(asked.desk, asked.principal, asked.path["exit_id"])
    return Answer(report=report)


async def _resume(asked: Asked) -> Answer:
    named = asked.path["exit_id"]
    report = await commands.resume_exit(asked.desk, asked.principal, None if named == NEWEST else named)
    return _answer(report)


async def _certificate(asked: Asked) -> Answer:
    report = await commands.certificate(asked.desk, asked.principal, asked.path["exit_id"])
    # To the letter as it was signed: the file is handed on, not an account of it.
    text = commands.certificate_text(report)
    return Answer(response=Response(text.encode("utf-8"), media_type=JSON_TYPE))


async def _events(asked: Asked) -> Answer:
    return await stream(asked.desk, asked.principal, asked.path["exit_id"], last_event=asked.last_event)


ROUTES: tuple[Route, ...] = (
    Route(
        name="exit",
        method="POST",
        path="/v1/exits",
        act=Act.EXIT,
        tag="stop",
        summary="Close everything now",
        description=(
            "Closes every open position and cancels every working order at market, reduce-only, of all that "
            "the key may touch or of the part that is named; there is no undo. A request while an exit runs "
            "joins it. Answers 200 with the verdict, or 202 with the exit's address where the verdict needs "
            "longer than you wait (`Prefer: wait=S`); the exit goes on when the client goes away. Only "
            "`success: true` means flat; otherwise follow `next_step`."
        ),
        answer=ExitReport,
        run=_exit,
        body=ExitBody,
        long=True,
    ),
    Route(
        name="listExits",
        method="GET",
        path="/v1/exits",
        act=Act.EXIT_STATUS,
        tag="stop",
        summary="The latest exits",
        description="The latest exits of this journal, the newest first, each with its verdict.",
        answer=ExitsReport,
        run=_list,
        query=LimitQuery,
    ),
    Route(
        name="exitStatus",
        method="GET",
        path="/v1/exits/{exit_id}",
        act=Act.EXIT_STATUS,
        tag="stop",
        summary="How an exit stands",
        description="What the journal says of the exit now; `verdict` is null until it is judged.",
        answer=ExitReport,
        run=_status,
        statuses=(404,),
    ),
    Route(
        name="exitEvents",
        method="GET",
        path="/v1/exits/{exit_id}/events",
        act=Act.EXIT_STATUS,
        tag="stop",
        summary="An exit as it happens",
        description=(
            "Server-sent events, one for each entry of the exit's journal, from the first on, or from after "
            "`Last-Event-ID`. The stream ends when the work on the exit is over; 204 says that nothing "
            "follows the event that you had last."
        ),
        answer=None,
        run=_events,
        media=STREAM_TYPE,
        statuses=(204, 404),
    ),
    Route(
        name="exitCertificate",
        method="GET",
        path="/v1/exits/{exit_id}/certificate",
        act=Act.CERTIFICATE,
        tag="records",
        summary="The signed certificate",
        description=(
            "The certificate of an exit that has its verdict, as the file that `bastion certificate verify` "
            "checks without a network."
        ),
        answer=None,
        run=_certificate,
        statuses=(404, 409),
    ),
    Route(
        name="resumeExit",
        method="POST",
        path="/v1/exits/{exit_id}/resume",
        act=Act.EXIT,
        tag="stop",
        summary="Take up an exit",
        description=(
            "Goes on with an exit that has no verdict, or that ended NOT_FLAT or UNKNOWN; `newest` in the "
            "place of the id is the newest without a verdict. One that ended flat is not repeated: its "
            "report is the answer."
        ),
        answer=ExitReport,
        run=_resume,
        body=Nothing,
        long=True,
        statuses=(404,),
    ),
)
