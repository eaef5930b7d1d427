"""A request that comes again after the daemon was killed: done once, whatever the crash cut off."""

from pathlib import Path
from threading import Thread
from typing import Any

import httpx2

from tests.acceptance.mcp.exchange import house_at, standing_exchange
from tests.acceptance.mcp.house import serving
from tests.acceptance.rest.desk import RestDesk, problem, wait_until


def send_and_forget(desk: RestDesk, path: str, body: dict[str, Any], key: str) -> None:
    """Send a request whose answer is cut off by the end of the daemon."""

    def send() -> None:
        try:
            desk.ask("POST", path, body, headers={"Idempotency-Key": key})
        except httpx2.HTTPError:
            return

    desk.key("trade")
    Thread(target=send, daemon=True).start()


def test_a_killed_daemon_repeats_no_request_and_tells_what_became_of_each(tmp_path: Path) -> None:
    stop = {"symbol": "ETHUSDT", "sl_price": "3500"}
    half = {"symbol": "SOLUSDT", "exit_pct": 50}
    flat = {"reason": "tonight", "symbols": ["BTCUSDT"]}
    with standing_exchange() as exchange:
        house = house_at(exchange, tmp_path, hold_s=0)
        with serving(house) as served:
            desk = RestDesk(house=house, served=served, exchange=exchange)
            told = desk.ask("PUT", "/v1/stop-loss", stop, headers={"Idempotency-Key": "stop"})
            assert told.status_code == 200, told.text
            before = exchange.orders()
            exchange.slow_down(400)
            send_and_forget(desk, "/v1/partial-closes", half, "half")
            exchange.wait_for_orders(before + 1)
            send_and_forget(desk, "/v1/exits", flat, "flat")
            exchange.wait_for_orders(before + 2)
            served.process.kill()
        exchange.mend()
        with serving(house) as served:
            desk = RestDesk(house=house, served=served, exchange=exchange)
            desk.keys[("trade", "False")] = told.request.headers["X-API-Key"]
            again = desk.ask("POST", "/v1/exits", flat, headers={"Idempotency-Key": "flat"})
            assert again.status_code == 200, again.text
            assert (again.json()["verdict"], again.json()["reason"]) == ("FLAT", "tonight")
            third = desk.ask("POST", "/v1/exits", flat, headers={"Idempotency-Key": "flat"})
            assert third.json() == again.json()
            refused = desk.ask("POST", "/v1/partial-closes", half, headers={"Idempotency-Key": "half"})
            assert "Nothing was done again" in problem(refused, 409)["detail"]
            place = refused.headers["location"]
            wait_until(lambda: desk.ask("GET", place).json()["state"] == "done", what="the first's end")
            assert desk.ask("GET", place).json()["kind"] == "partial"
            assert len(desk.ask("GET", "/v1/exits").json()["exits"]) == 2
            stopped = desk.ask("PUT", "/v1/stop-loss", stop, headers={"Idempotency-Key": "stop"})
            assert stopped.headers["idempotent-replayed"] == "true"
            assert stopped.content == told.content
            other = {**stop, "sl_price": "3600"}
            problem(desk.ask("PUT", "/v1/stop-loss", other, headers={"Idempotency-Key": "stop"}), 422)
            assert exchange.open_positions() == 3
            assert exchange.orders() == before + 2
