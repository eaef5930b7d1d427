"""Loss: the day's realised figures beside the watch, and the disarming where they reach the limit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bastion.domain.engine import AccountView, AlertType, Day, Severity, Target
from bastion.domain.engine_records import Alerted
from bastion.domain.money import Usd
from bastion.engine.day import DayReader
from bastion.engine.register import Register
from bastion.engine.seeing import sizes_of
from bastion.engine.standing import day_began
from bastion.ports import Clock

_log = logging.getLogger(__name__)


class LossWatch:
    """Reads the day whenever a position shrank and with every advice, and calls `lost` at the limit.

    The loss is what was realised since 00:00 UTC: price PnL less fees, plus funding that came with the
    executions (`Day.realized_usd`). Open losses do not count. What could not be read does not count either,
    and is named; a loss that is known counts all the same.
    """

    def __init__(
        self,
        *,
        register: Register,
        reader: DayReader,
        clock: Clock,
        lost: Callable[[], Awaitable[None]],
    ) -> None:
        self._register = register
        self._reader = reader
        self._clock = clock
        self._lost = lost
        self._task: asyncio.Task[None] | None = None
        self._sizes: frozenset[tuple[str, ...]] = frozenset()
        self._owed = True
        self.day: Day | None = None
        """The latest figures; None until they were read."""

    def refresh(self, views: Sequence[AccountView], group: asyncio.TaskGroup, *, due: bool) -> None:
        """Read the day in a task of its own, where something was traded or it is due."""
        sizes = sizes_of(views)
        self._owed = self._owed or due or self.day is None or bool(self._sizes - sizes) or self._pending()
        self._sizes = sizes
        if self._owed and (self._task is None or self._task.done()):
            self._owed = False
            self._task = group.create_task(self._read(tuple(views)), name="engine: the day's figures")

    def _pending(self) -> bool:
        return self.day is not None and bool(self.day.pending)

    async def _read(self, views: tuple[AccountView, ...]) -> None:
        try:
            self.day = await self._reader.read(views, anew=True)
            await self._check(self.day)
        except Exception:  # noqa: BLE001 - a bulkhead: figures of the day must not end the watch
            _log.exception("Reading the day's figures failed.")

    async def _check(self, day: Day) -> None:
        settings = self._register.last_known().settings
        if settings is None or not self._register.armed():
            return
        if day.began_ns != day_began(self._clock.now_ns()):
            return
        loss, limit = -day.realized_usd, settings.daily_loss_limit_usd
        if loss < limit:
            return
        await self._lost()
        said = (
            f"Today's realised loss of {loss:,.2f} USD has reached the limit of {limit:,.2f} USD: the engine"
            " disarmed itself. Positions stay as they are."
        )
        alert = Alerted(
            type=AlertType.DAILY_LOSS,
            severity=Severity.CRITICAL,
            message=said,
            target=Target(),
            value=Usd(loss),
            limit=limit,
        )
        await self._register.note((alert,))
