"""Health: whether the process lives, whether it can take an exit, and its figures for Prometheus."""

from starlette.responses import Response

from bastion.domain.act import Act
from bastion.shape import dataclass
from bastion.surfaces.rest.metrics import METRICS_TYPE, page
from bastion.surfaces.rest.table import Answer, Asked, Route
from bastion.surfaces.rest.wire import JSON_TYPE

DOCUMENT_PATH = "/v1/openapi.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The process answers."""

    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The desk is open, its journal can be read, and this many accounts would be covered by an exit."""

    status: str
    accounts: int
    paper: bool
    exits_running: int


async def _alive(_: Asked) -> Answer:
    return Answer(report=Alive(status="alive"))


async def _ready(asked: Asked) -> Answer:
    desk = asked.desk
    # A journal that cannot be read raises here, and the answer is then a problem.
    desk.journal.latch_entries()
    return Answer(
        report=Ready(
            status="ready",
            accounts=len(desk.accounts),
            paper=desk.paper,
            exits_running=0 if desk.running() is None else 1,
        )
    )


async def _document(asked: Asked) -> Answer:
    return Answer(response=Response(asked.document, media_type=JSON_TYPE))


async def _metrics(asked: Asked) -> Answer:
    text = page(asked.desk, asked.figures, accounts=asked.principal.accounts)
    return Answer(response=Response(text, media_type=METRICS_TYPE))


ROUTES: tuple[Route, ...] = (
    Route(
        name="alive",
        method="GET",
        path="/healthz",
        act=None,
        tag="health",
        summary="The process lives",
        description="Answers as long as the process does. The only route that asks for no key.",
        answer=Alive,
        run=_alive,
    ),
    Route(
        name="ready",
        method="GET",
        path="/readyz",
        act=Act.STATUS,
        tag="health",
        summary="An exit would be taken",
        description="Answers 200 while the desk is open and its journal can be read; reads no exchange.",
        answer=Ready,
        run=_ready,
    ),
    Route(
        name="metrics",
        method="GET",
        path="/metrics",
        act=Act.STATUS,
        tag="health",
        summary="Figures for Prometheus",
        description="Prometheus text format 0.0.4; counted since the process started. Reads no exchange.",
        answer=None,
        run=_metrics,
        media="text/plain",
    ),
    Route(
        name="document",
        method="GET",
        path=DOCUMENT_PATH,
        act=Act.STATUS,
        tag="health",
        summary="This document",
        description="What the routes take and answer, as OpenAPI 3.1.",
        answer=None,
        run=_document,
    ),
)
