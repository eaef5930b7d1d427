"""Reads: the routes that change nothing."""

from bastion import commands
from bastion.commands import (
    AlertsReport,
    AuditReport,
    BalanceReport,
    ExchangesReport,
    PositionsReport,
    PreviewReport,
    SessionStatsReport,
    StatusReport,
    SymbolsReport,
)
from bastion.domain.act import Act
from bastion.surfaces.rest.bodies import AuditQuery, PreviewBody
from bastion.surfaces.rest.table import Answer, Asked, Route, given


async def _positions(asked: Asked) -> Answer:
    return Answer(report=await commands.positions(asked.desk, asked.principal))


async def _balance(asked: Asked) -> Answer:
    return Answer(report=await commands.balance(asked.desk, asked.principal))


async def _exchanges(asked: Asked) -> Answer:
    return Answer(report=await commands.exchanges(asked.desk, asked.principal))


async def _symbols(asked: Asked) -> Answer:
    return Answer(report=await commands.supported_symbols(asked.desk, asked.principal))


async def _alerts(asked: Asked) -> Answer:
    return Answer(report=await commands.alerts(asked.desk, asked.principal))


async def _session_stats(asked: Asked) -> Answer:
    return Answer(report=await commands.session_stats(asked.desk, asked.principal))


async def _preview(asked: Asked) -> Answer:
    body = given(PreviewBody, asked.body)
    report = await commands.preview(
        asked.desk,
        asked.principal,
        selection=body.selection(),
        action=body.action,
        symbol=body.symbol,
        exit_pct=body.exit_pct,
        net=body.net,
    )
    return Answer(report=report)


async def _audit(asked: Asked) -> Answer:
    query = given(AuditQuery, asked.query)
    report = await commands.audit_records(
        asked.desk,
        asked.principal,
        act=query.act,
        principal_id=query.principal_id,
        since=query.since,
        until=query.until,
        exit_id=query.exit_id,
        limit=query.limit,
    )
    return Answer(report=report)


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
        name="balance",
        method="GET",
        path="/v1/balance",
        act=Act.BALANCE,
        tag="portfolio",
        summary="What the accounts hold",
        description="Total and available dollars, by venue and account.",
        answer=BalanceReport,
        run=_balance,
        statuses=(502,),
    ),
    Route(
        name="exchanges",
        method="GET",
        path="/v1/exchanges",
        act=Act.EXCHANGES,
        tag="portfolio",
        summary="The connected exchanges",
        description="Each account's connection, and what its credential may do.",
        answer=ExchangesReport,
        run=_exchanges,
    ),
    Route(
        name="supportedSymbols",
        method="GET",
        path="/v1/supported-symbols",
        act=Act.SUPPORTED_SYMBOLS,
        tag="portfolio",
        summary="The symbols that the venues list",
        description=(
            "Every contract that a connected venue lists, in pair form. A venue that gave no list stands in "
            "`unread`: it can have others."
        ),
        answer=SymbolsReport,
        run=_symbols,
    ),
    Route(
        name="alerts",
        method="GET",
        path="/v1/alerts",
        act=Act.ALERTS,
        tag="portfolio",
        summary="What needs a look",
        description="Positions near liquidation, guards near their limits, accounts that were not read.",
        answer=AlertsReport,
        run=_alerts,
        statuses=(409,),
    ),
    Route(
        name="sessionStats",
        method="GET",
        path="/v1/session-stats",
        act=Act.SESSION_STATS,
        tag="portfolio",
        summary="The trading day in figures",
        description="Trades since the session began, from the venues' own executions.",
        answer=SessionStatsReport,
        run=_session_stats,
        statuses=(409,),
    ),
    Route(
        name="preview",
        method="POST",
        path="/v1/preview",
        act=Act.PREVIEW,
        tag="portfolio",
        summary="What an action would send",
        description=(
            "The orders that an exit, a flatten-winners or a partial close would send and cancel now, with "
            "slippage and cost by the live books. Nothing is sent."
        ),
        answer=PreviewReport,
        run=_preview,
        body=PreviewBody,
        statuses=(404, 502),
    ),
    Route(
        name="audit",
        method="GET",
        path="/v1/audit",
        act=Act.AUDIT,
        tag="records",
        summary="Who asked what",
        description="The audit journal: who asked what, by which surface, and what came of it.",
        answer=AuditReport,
        run=_audit,
        query=AuditQuery,
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
