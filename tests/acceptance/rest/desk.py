"""Desk: a running `bastion up`, asked over REST by a client that is not ours."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from bastion.app import find_place, open_keys
from bastion.auth.keys import parse_scope
from bastion.domain.principal import Tier
from tests.acceptance.mcp.exchange import Exchange, house_at, standing_exchange
from tests.acceptance.mcp.house import PROGRAM, House, Served, serving

CALL_S = 60.0
PROBLEM = "application/problem+json"


@dataclass(slots=True, kw_only=True)
class RestDesk:
    """The program at work, its keys by what they may do, and the exchange behind it where it stands alone."""

    house: House
    served: Served
    exchange: Exchange | None
    keys: dict[tuple[str, ...], str] = field(default_factory=dict)

    @property
    def socket(self) -> Path:
        """The own user's socket."""
        return self.house.folder / "state" / "bastion.sock"

    @property
    def venues(self) -> Exchange:
        """The exchange that stands alone."""
        assert self.exchange is not None
        return self.exchange

    def key(self, scope: str, *, accounts: tuple[str, ...] = (), only_stops: bool = False) -> str:
        """Return a key of that scope without a limit of its rate, made once."""
        wanted = (scope, *accounts, str(only_stops))
        if wanted not in self.keys:
            place = find_place(config=None, environment=self.house.variables)
            with open_keys(place) as keys:
                new = keys.create(
                    scope=parse_scope(scope),
                    tier=Tier.UNLIMITED,
                    accounts=frozenset(accounts) or None,
                    only_stops=only_stops,
                )
            self.keys[wanted] = new.text
        return self.keys[wanted]

    def begin_anew(self) -> None:
        """Wait until no exit works or holds any more, and fill the exchange with the seed's positions."""
        self.venues.ask("DELETE", "/faults")
        wait_until(
            lambda: all(row["state"] == "done" for row in self.ask("GET", "/v1/exits").json()["exits"]),
            what="the end of the earlier exits",
            # One that failed is tried again every 5 s, and may have to wait for a minute's weight.
            seconds=90,
        )
        self.venues.ask("POST", "/scenario", {"name": "seed"})

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        scope: str | None = "trade",
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Send one request with a key of that scope (None: without one)."""
        sent = {} if scope is None else {"X-API-Key": self.key(scope)}
        if body is not None or raw is not None:
            sent["content-type"] = "application/json"
        content = json.dumps(body).encode() if body is not None else raw
        return httpx2.request(
            method,
            self.served.address + path,
            content=content,
            headers={**sent, **(headers or {})},
            timeout=CALL_S,
            verify=False,
        )

    def locally(self, method: str, path: str, *, headers: Mapping[str, str] | None = None) -> httpx2.Response:
        """Send one request by the unix socket, without a key."""
        with httpx2.Client(transport=httpx2.HTTPTransport(uds=str(self.socket)), timeout=CALL_S) as client:
            return client.request(method, f"http://localhost{path}", headers=dict(headers or {}))


def problem(answer: httpx2.Response, status: int) -> dict[str, Any]:
    """Return a refusal, which must be a problem of that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    told = answer.json()
    assert told["status"] == status
    assert {"type", "title", "status", "detail", "code"} <= set(told)
    return dict(told)


def wait_until(condition: Callable[[], bool], *, what: str, seconds: float = 30) -> None:
    """Wait for a condition, checking it often."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not happen: {what}"
        time.sleep(0.02)


@contextmanager
def desk_at(folder: Path, *, command: Sequence[str] = (PROGRAM,)) -> Iterator[RestDesk]:
    """Run the program on a paper exchange that stands alone, until the block ends."""
    with standing_exchange() as exchange:
        house = house_at(exchange, folder, hold_s=1)
        with serving(house, command=command) as served:
            yield RestDesk(house=house, served=served, exchange=exchange)
