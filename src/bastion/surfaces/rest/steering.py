"""Steering: the routes of the engine and of the latch."""

from decimal import Decimal

from bastion import commands
from bastion.auth.permit import permit
from bastion.commands import (
    EngineArmReport,
    EngineDisarmReport,
    EngineHistoryReport,
    EngineStartReport,
    EngineStatusReport,
    LatchReport,
    ResetReport,
)
from bastion.domain.act import Act
from bastion.surfaces.rest.bodies import ArmBody, LimitQuery, Nothing, ResetBody, decimal_of
from bastion.surfaces.rest.table import Answer, Asked, Route, given


async def _status(asked: Asked) -> Answer:
    return Answer(report=await commands.engine_status(asked.desk, asked.principal))


async def _history(asked: Asked) -> Answer:
    limit = given(LimitQuery, asked.query).limit
    return Answer(report=await commands.engine_history(asked.desk, asked.principal, limit=limit))


async def _start(asked: Asked) -> Answer:
    return Answer(report=await commands.engine_start(asked.desk, asked.principal))


async def _arm(asked: Asked) -> Answer:
    body = given(ArmBody, asked.body)
    report = await commands.engine_arm(
        asked.desk,
        asked.principal,
        confidence_threshold=Decimal(body.confidence_threshold),
        daily_loss_limit_usd=Decimal(body.daily_loss_limit_usd),
        risk_threshold=decimal_of(body.risk_threshold),
        max_action=body.max_action,
        confirm=body.confirm,
    )
    return Answer(report=report)


async def _disarm(asked: Asked) -> Answer:
    return Answer(report=await commands.engine_disarm(asked.desk, asked.principal))


async def _latch(asked: Asked) -> Answer:
    # The latch is the whole desk's; who may ask for its status may know it.
    permit(asked.principal, Act.STATUS)
    return Answer(report=commands.latch(asked.desk))


async def _reset(asked: Asked) -> Answer:
    body = given(ResetBody, asked.body)
    report = await commands.reset(
        asked.desk, asked.principal, body.exit_id, typed=body.typed, reason=body.reason
    )
    return Answer(report=report)


ROUTES: tuple[Route, ...] = (
    Route(
        name="engineStatus",
        method="GET",
        path="/v1/engine",
        act=Act.ENGINE_STATUS,
        tag="engine",
        summary="How the engine stands",
        description="Its state, its settings, its guards with their distance, and its last evaluation.",
        answer=EngineStatusReport,
        run=_status,
        statuses=(409,),
    ),
    Route(
        name="engineHistory",
        method="GET",
        path="/v1/engine/history",
        act=Act.ENGINE_HISTORY,
        tag="engine",
        summary="What the engine did and why",
        description="Its evaluations and acts, the newest first, each with its reason.",
        answer=EngineHistoryReport,
        run=_history,
        query=LimitQuery,
        statuses=(409,),
    ),
    Route(
        name="engineStart",
        method="POST",
        path="/v1/engine/start",
        act=Act.ENGINE_START,
        tag="engine",
        summary="Start the engine",
        description="Starts watching and advising; it sends nothing on its own until it is armed.",
        answer=EngineStartReport,
        run=_start,
        statuses=(409,),
        body=Nothing,
    ),
    Route(
        name="engineArm",
        method="POST",
        path="/v1/engine/arm",
        act=Act.ENGINE_ARM,
        tag="engine",
        summary="Let the engine act",
        description="From now on the engine acts without asking, within these settings.",
        answer=EngineArmReport,
        run=_arm,
        body=ArmBody,
        statuses=(409,),
    ),
    Route(
        name="engineDisarm",
        method="POST",
        path="/v1/engine/disarm",
        act=Act.ENGINE_DISARM,
        tag="engine",
        summary="Let the engine only advise",
        description="Takes the right to act from the engine; it touches no position and goes on watching.",
        answer=EngineDisarmReport,
        run=_disarm,
        body=Nothing,
        statuses=(409,),
    ),
    Route(
        name="latch",
        method="GET",
        path="/v1/latch",
        act=Act.STATUS,
        tag="stop",
        summary="The latch",
        description="Whether opening is blocked, since when, and by which exit.",
        answer=LatchReport,
        run=_latch,
    ),
    Route(
        name="resetLatch",
        method="POST",
        path="/v1/latch/reset",
        act=Act.RESET,
        tag="stop",
        summary="Lift the latch",
        description=(
            "The guarded way back: `typed` is the last four characters of the exit's id. It allows opening "
            "again and opens nothing."
        ),
        answer=ResetReport,
        run=_reset,
        body=ResetBody,
        statuses=(404, 409),
    ),
)
