"""An exit over REST, against an exchange over real sockets: started, followed, replayed, left alone."""

import json
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest

import bastion
from tests.acceptance.rest.desk import CALL_S, RestDesk, desk_at, problem, wait_until

SCHEMA = Path(bastion.__path__[0]) / "surfaces" / "schemas" / "exit.schema.json"


def events_of(desk: RestDesk, exit_id: str, *, last: str = "", most: int = 10_000) -> list[dict[str, Any]]:
    """Read the events of an exit, at most so many, as a browser would."""
    headers = {"X-API-Key": desk.key("read"), **({"Last-Event-ID": last} if last else {})}
    url = f"{desk.served.address}/v1/exits/{exit_id}/events"
    found: list[dict[str, Any]] = []
    with (
        httpx2.Client(timeout=CALL_S, verify=False) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        for event in _events(answer.iter_lines()):
            found.append(event)
            if len(found) == most:
                break
    return found


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if not line:
            if "data" in event:
                yield event
            event = {}
        elif name == "data":
            event["data"] = json.loads(value)
        elif name in {"id", "event"}:
            event[name] = value


def test_an_exit_answers_with_the_verdict_of_real_fills_in_decimal_strings(desk: RestDesk) -> None:
    answer = desk.ask("POST", "/v1/exits", {"reason": "a test"})
    assert answer.status_code == 200, answer.text
    report = answer.json()
    assert next(iter(report)) == "summary"
    assert (report["success"], report["verdict"], report["reason"]) == (True, "FLAT", "a test")
    assert report["positions_closed"] == 4
    assert Decimal(report["total_realized_pnl_usd"]) == -1250
    assert all(isinstance(row["exit_price"], str) for row in report["closed_positions"])
    assert desk.venues.open_positions() == 0
    status = desk.ask("GET", f"/v1/exits/{report['exit_id']}", scope="read").json()
    assert status["verdict"] == "FLAT"
    listed = desk.ask("GET", "/v1/exits", scope="read").json()["exits"]
    assert listed[0]["exit_id"] == report["exit_id"]


def test_whoever_does_not_wait_gets_an_address_at_once_and_the_verdict_there(desk: RestDesk) -> None:
    desk.venues.slow_down(300)
    answer = desk.ask("POST", "/v1/exits", headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.json()["state"] == "EXITING"
    place = answer.headers["location"]
    assert place == f"/v1/exits/{answer.json()['exit_id']}"
    wait_until(lambda: desk.ask("GET", place).json()["verdict"] is not None, what="the verdict")
    assert desk.ask("GET", place).json()["verdict"] == "FLAT"
    assert desk.venues.open_positions() == 0


def test_a_second_request_joins_the_running_exit(desk: RestDesk) -> None:
    desk.venues.slow_down(300)
    first = desk.ask("POST", "/v1/exits", headers={"Prefer": "wait=0"}).json()["exit_id"]
    second = desk.ask("POST", "/v1/exits", {"reason": "once more"})
    assert second.json()["exit_id"] == first
    assert second.status_code == 200
    assert desk.venues.orders() == 4


def test_the_same_key_is_answered_with_the_first_answer_and_another_request_is_refused(
    desk: RestDesk,
) -> None:
    key = {"Idempotency-Key": "tonight-1"}
    first = desk.ask("POST", "/v1/exits", {"reason": "a", "hold_s": "0"}, headers=key)
    again = desk.ask("POST", "/v1/exits", raw=b'{ "hold_s":"0",  "reason":"a" }', headers=key)
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    problem(desk.ask("POST", "/v1/exits", {"reason": "b"}, headers=key), 422)
    # The key belongs to who used it: another principal's is another.
    other = desk.ask("POST", "/v1/exits", {"reason": "b"}, headers=key, scope="engine")
    assert other.json()["exit_id"] != first.json()["exit_id"]


def test_a_refused_request_does_not_use_its_key_up(desk: RestDesk) -> None:
    key = {"Idempotency-Key": "k"}
    problem(desk.ask("POST", "/v1/exits", {"hold_s": "86401"}, headers=key), 422)
    assert desk.ask("POST", "/v1/exits", {"hold_s": "1"}, headers=key).status_code == 200


def test_the_events_of_an_exit_are_its_journal_and_go_on_where_they_broke_off(desk: RestDesk) -> None:
    desk.venues.slow_down(200)
    exit_id = desk.ask("POST", "/v1/exits", headers={"Prefer": "wait=0"}).json()["exit_id"]
    first = events_of(desk, exit_id, most=3)
    rest = events_of(desk, exit_id, last=first[-1]["id"])
    whole = events_of(desk, exit_id)
    ids = [event["data"]["id"] for event in whole]
    assert len(set(ids)) == len(ids)
    had = [event["data"]["id"] for event in first + rest]
    assert set(had) == set(ids)
    journaled = [each for each in had if each.startswith("j")]
    assert journaled == [each for each in ids if each.startswith("j")]
    kinds = [event["event"] for event in whole]
    assert {"LatchTripped", "ExitRequested", "ExitJudged"} <= set(kinds)
    assert kinds[-1] == "ExitEnded"
    last = {"Last-Event-ID": whole[-1]["id"]}
    assert desk.ask("GET", f"/v1/exits/{exit_id}/events", headers=last).status_code == 204


def test_a_client_that_goes_away_in_mid_exit_stops_nothing(desk: RestDesk) -> None:
    desk.venues.slow_down(400)
    host, port = desk.served.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=CALL_S) as wire:
        head = f"POST /v1/exits HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {desk.key('trade')}\r\n\r\n"
        wire.sendall(head.encode("ascii"))
        desk.venues.wait_for_orders(1)
    desk.venues.wait_for_flat()
    wait_until(
        lambda: desk.ask("GET", "/v1/exits").json()["exits"][0]["verdict"] == "FLAT", what="the verdict"
    )


def test_a_request_to_end_lets_the_running_exit_come_to_its_verdict(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        desk.venues.slow_down(300)
        assert desk.ask("POST", "/v1/exits", headers={"Prefer": "wait=0"}).status_code == 202
        desk.served.stop()
        assert desk.venues.open_positions() == 0
        assert not desk.socket.exists()


def test_the_own_users_socket_needs_no_key_and_tells_the_published_document(desk: RestDesk) -> None:
    assert desk.socket.stat().st_mode & 0o777 == 0o600
    answer = desk.locally("POST", "/v1/exits", headers={"Bastion-Numbers": "plain"})
    jsonschema.validate(answer.json(), json.loads(SCHEMA.read_text(encoding="utf-8")))
    events = desk.locally("GET", f"/v1/exits/{answer.json()['exit_id']}/events").text
    assert '"principal":"owner","surface":"socket"' in events


def test_a_local_request_that_comes_too_late_does_nothing(desk: RestDesk) -> None:
    late = {"Bastion-Not-After": str(int(time.time() * 1000) - 1)}
    problem(desk.locally("POST", "/v1/exits", headers=late), 409)
    assert desk.venues.open_positions() == 4


@pytest.mark.parametrize("name", ["accounts", "venues", "symbols"])
def test_an_empty_list_means_a_mistake_and_not_everything(desk: RestDesk, name: str) -> None:
    problem(desk.ask("POST", "/v1/exits", {name: []}), 422)
    assert desk.venues.open_positions() == 4


def test_a_selection_leaves_the_rest_alone(desk: RestDesk) -> None:
    answer = desk.ask("POST", "/v1/exits", {"symbols": ["btc", "ETH/USDT:USDT"]})
    assert answer.status_code == 200, answer.text
    assert {row["symbol"] for row in answer.json()["closed_positions"]} == {"BTCUSDT", "ETHUSDT"}
    assert desk.venues.open_positions() == 2


def test_the_certificate_is_the_file_that_the_check_takes(desk: RestDesk, tmp_path: Path) -> None:
    exit_id = desk.ask("POST", "/v1/exits", {"hold_s": "0"}).json()["exit_id"]
    answer = desk.ask("GET", f"/v1/exits/{exit_id}/certificate", scope="read")
    assert answer.status_code == 200, answer.text
    file = tmp_path / "certificate.json"
    file.write_bytes(answer.content)
    done = desk.house.run("certificate", "verify", str(file), "--json")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_metrics_count_what_was_done(desk: RestDesk) -> None:
    before = figures(desk)
    desk.ask("POST", "/v1/exits", {"hold_s": "0"})
    after = figures(desk)
    more = {name: after[name] - before.get(name, 0) for name in after}
    assert more['bastion_exits_total{verdict="FLAT"}'] == 1
    assert more["bastion_time_to_flat_seconds_count"] == 1
    assert more['bastion_orders_total{account="binance-main"}'] == 2
    assert after["bastion_latch_tripped"] == 1
    assert after["bastion_accounts"] == 2


def test_nothing_that_is_told_of_a_partial_close_says_flat(desk: RestDesk) -> None:
    told = desk.ask("POST", "/v1/partial-closes", {"symbol": "ETH", "exit_pct": 10}).json()
    status = desk.ask("GET", f"/v1/exits/{told['exit_id']}")
    assert (status.json()["verdict"], status.json()["positions_closed"]) == ("REDUCED", 0)
    assert '"FLAT' not in status.text
    judged = [event for event in events_of(desk, told["exit_id"]) if event["event"].endswith("Judged")]
    assert {event["data"]["record"]["verdict"] for event in judged} == {"REDUCED"}
    assert desk.ask("GET", "/v1/exits?limit=1").json()["exits"][0]["kind"] == "partial"


def test_the_metrics_count_no_halt_and_no_part_as_flat(desk: RestDesk) -> None:
    before = figures(desk)
    assert desk.ask("POST", "/v1/partial-closes", {"symbol": "ETH", "exit_pct": 10}).status_code == 200
    assert desk.ask("POST", "/v1/flatten-winners", {}).json()["verdict"] == "CLOSED"
    assert desk.ask("POST", "/v1/halts", {}).status_code == 200
    after = figures(desk)
    assert {name: value for name, value in after.items() if name.startswith("bastion_exits_total")} == {
        name: before.get(name, 0) for name in after if name.startswith("bastion_exits_total")
    }


def test_the_metrics_of_a_restricted_key_name_its_accounts_only(desk: RestDesk) -> None:
    desk.ask("POST", "/v1/exits", {"hold_s": "0"})
    key = desk.key("read", accounts=("binance-main",))
    page = desk.ask("GET", "/metrics", scope=None, headers={"X-API-Key": key}).text
    assert 'account="binance-main"' in page
    assert "bybit-main" not in page
    assert "bastion_accounts 1" in page.splitlines()


def figures(desk: RestDesk) -> dict[str, Decimal]:
    page = desk.ask("GET", "/metrics", scope="read")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    rows = (line.rpartition(" ") for line in page.text.splitlines() if not line.startswith("#"))
    return {name: Decimal(value) for name, _, value in rows}
