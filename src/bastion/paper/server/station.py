"""Station: the world that is being served, its wires, faults and request log."""

import random  # noqa: TID251 - the composition root of the paper exchange hands its chance in

from bastion.paper.document import Document, DocumentError
from bastion.paper.refusal import Refused
from bastion.paper.scenario import Scenario
from bastion.paper.server.events import Event, apply
from bastion.paper.server.faults import FaultTable, parse_fault
from bastion.paper.server.request_log import RequestLog
from bastion.paper.server.switchboard import Switchboard
from bastion.paper.wire.protocol import Wire, WireRequest
from bastion.paper.wire.registry import PLUGINS
from bastion.paper.world import World


class Station:
    """Holds one world at a time. Loading a scenario replaces world, wires and faults at once, or nothing."""

    def __init__(self, scenario: Scenario, *, seed: int | None = None) -> None:
        self._seed = seed
        self.log = RequestLog()
        self.sockets = Switchboard()
        self.load(scenario)

    def knows_failure(self, name: str, venue: str) -> bool:
        """Whether the wire of `venue`, or any wire when it is empty, has an answer for the failure `name`."""
        probe = WireRequest(method="GET", path="/", query="", body=b"", headers={}, address="", received_ms=0)
        wires = [wire for wire in self.wires.values() if venue in {"", wire.venue}]
        return any(wire.failure(name, probe) is not None for wire in wires)

    def load(self, scenario: Scenario) -> None:
        """Replace everything by `scenario`.

        Raises `DocumentError` and changes nothing when it cannot start.
        """
        settings = {venue.name: venue.settings for venue in scenario.venues}
        try:
            world = World(scenario, {name: plugin.rules for name, plugin in PLUGINS.items()})
            wires: dict[str, Wire] = {
                name: PLUGINS[name].build(exchange, settings[name])
                for name, exchange in world.exchanges.items()
            }
        except ValueError as error:
            raise DocumentError(str(error)) from None
        seed = scenario.seed if self._seed is None else self._seed
        dice = random.Random(seed)  # noqa: S311 - chance for tests, from a seed that they choose
        faults = FaultTable(dice.random)
        faults.add(parse_fault(Document(row, f"fault[{n}]")) for n, row in enumerate(scenario.faults))
        self._awaited: list[tuple[int, Event]] = []
        # A socket belongs to the world in which it was opened.
        self.sockets.hang_up()
        self.world = world
        self.wires = wires
        self.faults = faults
        self.latency = {venue.name: (venue.round_trip_ms, venue.jitter_ms) for venue in scenario.venues}

    def settle(self) -> None:
        """Do whatever is due: on the exchanges, and of the events that faults have set off."""
        self.world.settle()
        now_ms = self.world.clock.now_ms()
        due = [event for due_ms, event in self._awaited if due_ms <= now_ms]
        self._awaited = [row for row in self._awaited if row[0] > now_ms]
        for event in due:
            self._apply(event)
        self.sockets.tick(now_ms)

    def happen(self, event: Event, *, after_ms: int) -> tuple[str, ...]:
        """Let an event happen now, or so many milliseconds later; return in words what was refused."""
        if after_ms:
            self._awaited.append((self.world.clock.now_ms() + after_ms, event))
            return ()
        return self._apply(event)

    def _apply(self, event: Event) -> tuple[str, ...]:
        try:
            apply(event, self.world)
        except (Refused, DocumentError) as refused:
            # Whoever set the event off sees in the request log that it could not happen.
            return (f"event refused: {refused}",)
        return ()
