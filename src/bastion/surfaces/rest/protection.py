"""Protection: the routes that set take profits and stops, which can be set again at will."""

from decimal import Decimal

from bastion import commands
from bastion.commands import BreakevenReport, StopLossReport, TakeProfitReport
from bastion.domain.act import Act
from bastion.surfaces.rest.bodies import BreakevenBody, StopLossBody, TakeProfitBody
from bastion.surfaces.rest.table import Answer, Asked, Route, given


async def _take_profit(asked: Asked) -> Answer:
    body = given(TakeProfitBody, asked.body)
    report = await commands.set_take_profit(
        asked.desk,
        asked.principal,
        symbol=body.symbol,
        tp_price=Decimal(body.tp_price),
        exit_pct=body.exit_pct,
        selection=body.selection(),
    )
    return Answer(report=report)


async def _stop_loss(asked: Asked) -> Answer:
    body = given(StopLossBody, asked.body)
    report = await commands.set_stop_loss(
        asked.desk,
        asked.principal,
        symbol=body.symbol,
        sl_price=Decimal(body.sl_price),
        selection=body.selection(),
    )
    return Answer(report=report)


async def _breakeven(asked: Asked) -> Answer:
    body = given(BreakevenBody, asked.body)
    report = await commands.move_to_breakeven(
        asked.desk, asked.principal, symbol=body.symbol, selection=body.selection()
    )
    return Answer(report=report)


ROUTES: tuple[Route, ...] = (
    Route(
        name="setTakeProfit",
        method="PUT",
        path="/v1/take-profit",
        act=Act.TAKE_PROFIT,
        tag="trade",
        summary="Set a take profit",
        description="Sets the take profit of the positions in a symbol; one of the same kind is replaced.",
        answer=TakeProfitReport,
        run=_take_profit,
        body=TakeProfitBody,
        statuses=(404, 409, 502),
    ),
    Route(
        name="setStopLoss",
        method="PUT",
        path="/v1/stop-loss",
        act=Act.STOP_LOSS,
        tag="trade",
        summary="Set a stop",
        description="Sets the stop of the positions in a symbol; the old one stays until the new one stands.",
        answer=StopLossReport,
        run=_stop_loss,
        body=StopLossBody,
        statuses=(404, 409, 502),
    ),
    Route(
        name="moveToBreakeven",
        method="POST",
        path="/v1/breakeven",
        act=Act.BREAKEVEN,
        tag="trade",
        summary="Move stops to the entry",
        description="Moves the stop of each position in profit to its entry; the others are named.",
        answer=BreakevenReport,
        run=_breakeven,
        body=BreakevenBody,
        statuses=(404, 409, 502),
    ),
)
