"""The margin venue in the paper exchange's process; loaded only when its port is asked for."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from aiohttp import web

from bastion.paper.server.station import Station
from bastion.paper.wire.strike import LimitSettings, WireSettings
from bastion.paper.wire.strike.beside import venue_beside
from bastion.paper.wire.strike.host import Host
from bastion.paper.wire.strike.limits import limit_from_text
from bastion.paper.wire.strike.operator import operator_application


def open_beside(
    station: Station, *, folder: Path | None, trading_limit: str, public_limit: str
) -> AbstractAsyncContextManager[Host]:
    """The venue on the station's clock and marks; limits are requests a minute, or `off`.

    Raises:
        ValueError: A limit is neither a number of at least 1 nor `off`.
    """
    limits = LimitSettings(trading=limit_from_text(trading_limit), public=limit_from_text(public_limit))
    return venue_beside(
        folder=folder,
        clock=lambda: station.world.clock,
        exchanges=lambda: station.world.exchanges,
        wire=WireSettings(limits=limits),
    )


def mount_operator(control: web.Application, host: Host) -> None:
    """Put the operator's side below `/strike` of the control application, behind its token."""
    control.add_subapp("/strike", operator_application(host))
