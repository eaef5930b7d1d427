"""Engine branch: the commands of the standing watch."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Literal

from cyclopts import App, Parameter

from bastion import commands
from bastion.app import find_place
from bastion.commands.session import HISTORY_MAX
from bastion.errors import Refused
from bastion.surfaces.cli import steering
from bastion.surfaces.cli.options import Config, Json
from bastion.surfaces.cli.press import OWNER

ReachName = Literal["hold", "move_stop", "reduce_size", "exit_full", "emergency_exit"]

engine = App(name="engine", help="The standing watch: start it, let it act alone, and see what it did.")


@engine.command
def start(*, json: Json = False, config: Config = None) -> int:
    """Start watching and advising. It sends nothing on its own decision until it is armed."""
    steer = steering.Steer(
        method="POST",
        path="/v1/engine/start",
        alone=lambda desk: commands.engine_start(desk, OWNER),
        lines=steering.act_lines,
        body={},
    )
    return steering.run(find_place(config=config), steer, json=json)


@engine.command
def arm(
    *,
    confidence_threshold: Annotated[
        str, Parameter(help="How large a share of a rule's conditions must hold, from 0 to 1.")
    ] = "0.7",
    daily_loss_limit_usd: Annotated[
        str, Parameter(help="The realised loss of a UTC day, in USD, at which it disarms itself.")
    ] = "5000",
    risk_threshold: Annotated[
        str | None, Parameter(help="Act only at this risk or above, from 0 to 100.")
    ] = None,
    max_action: Annotated[
        ReachName | None, Parameter(help="The furthest that it may go; the whole exit, if left out.")
    ] = None,
    json: Json = False,
    config: Config = None,
) -> int:
    """Let the engine close positions WITHOUT ASKING, at market, whenever one of its guards trips."""
    confidence = _number("--confidence-threshold", confidence_threshold)
    loss_limit = _number("--daily-loss-limit-usd", daily_loss_limit_usd)
    risk = None if risk_threshold is None else _number("--risk-threshold", risk_threshold)
    steer = steering.Steer(
        method="POST",
        path="/v1/engine/arm",
        alone=lambda desk: commands.engine_arm(
            desk,
            OWNER,
            confidence_threshold=confidence,
            daily_loss_limit_usd=loss_limit,
            risk_threshold=risk,
            max_action=max_action,
        ),
        lines=steering.act_lines,
        body={
            "confidence_threshold": format(confidence, "f"),
            "daily_loss_limit_usd": format(loss_limit, "f"),
            "risk_threshold": None if risk is None else format(risk, "f"),
            "max_action": max_action,
        },
    )
    return steering.run(find_place(config=config), steer, json=json)


@engine.command
def disarm(*, json: Json = False, config: Config = None) -> int:
    """Let the engine send nothing more on its own decision, at once. It goes on watching."""
    steer = steering.Steer(
        method="POST",
        path="/v1/engine/disarm",
        alone=lambda desk: commands.engine_disarm(desk, OWNER),
        lines=steering.act_lines,
        body={},
    )
    return steering.run(find_place(config=config), steer, json=json)


@engine.command
def status(*, json: Json = False, config: Config = None) -> int:
    """Show whether anything watches and may act, its settings, and how far each guard is from acting."""
    steer = steering.Steer(
        method="GET",
        path="/v1/engine",
        alone=lambda desk: commands.engine_status(desk, OWNER),
        lines=steering.status_lines,
    )
    return steering.run(find_place(config=config), steer, json=json)


@engine.command
def history(
    *,
    limit: Annotated[int, Parameter(help="How many entries, the newest; 1 to 100.")] = 20,
    json: Json = False,
    config: Config = None,
) -> int:
    """Show what the engine advised and did, with its reasons, and the changes of its state."""
    if not 1 <= limit <= HISTORY_MAX:
        raise Refused(f"--limit is a whole number from 1 to {HISTORY_MAX}.")
    steer = steering.Steer(
        method="GET",
        path=f"/v1/engine/history?limit={limit}",
        alone=lambda desk: commands.engine_history(desk, OWNER, limit=limit),
        lines=steering.history_lines,
    )
    return steering.run(find_place(config=config), steer, json=json)


def _number(flag: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise Refused(f"{flag} is a number. Nothing was done.")
    return value
