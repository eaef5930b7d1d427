"""Reads: the routes that change nothing."""

from bastion import commands
from bastion.commands import PositionsReport, StatusReport
from bastion.domain.act import Act
from bastion.surfaces.rest.table import Answer, Asked, Route


async def _positions(asked: Asked) -> Answer:
    return Answer(report=await commands.positions(asked.desk, asked.principal))


async def _status(asked: Asked) -> Answer:
    return Answer(report=await commands.status(asked.desk, asked.principal))


ROUTES: tuple[Route, ...] = (
    Route(
        name="positions",
        method="GET",
        path="/v1/positions",
        act=Act.POSITIONS,
        tag="portfolio",
        summary="Open positions",
        description=(
            "Every open position on every account, read within the last seconds. What could not be read "
            "stands in `unread`: then an empty list does not mean flat."
        ),
        answer=PositionsReport,
        run=_positions,
    ),
    Route(
        name="status",
        method="GET",
        path="/v1/status",
        act=Act.STATUS,
        tag="portfolio",
        summary="How the desk stands",
        description="The desk's word, latch, accounts and last exit, and what would hinder the next one.",
        answer=StatusReport,
        run=_status,
    ),
)
