"""The commands by way of the daemon, and their certainty when it is dead, stuck or another's."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bastion.surfaces.schemas import schema_text
from tests.acceptance.mcp.house import PROGRAM, House, serving
from tests.acceptance.rest.desk import RestDesk, desk_at, wait_until

COMMAND_S = 90


def asked_by(desk: RestDesk, exit_id: str) -> str:
    """Return the surface by which an exit was asked for, as the journal has it."""
    events = desk.ask("GET", f"/v1/exits/{exit_id}/events").text
    return str(events.partition('"surface":"')[2].partition('"')[0])


@contextmanager
def started(house: House, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test."""
    with subprocess.Popen(
        [PROGRAM, *arguments],
        env=house.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@contextmanager
def suspended(pid: int) -> Iterator[None]:
    """Suspend a process until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_an_exit_goes_by_way_of_the_daemon_and_tells_the_same_document(desk: RestDesk) -> None:
    done = desk.house.run("exit", "--now", "--json", "--reason", "by way of the daemon")
    report = report_of(done)
    assert done.stderr == ""
    assert (report["verdict"], report["positions_closed"]) == ("FLAT", 4)
    assert report["total_realized_pnl_usd"] == -1250
    assert report["reason"] == "by way of the daemon"
    assert asked_by(desk, report["exit_id"]) == "socket"
    assert desk.venues.open_positions() == 0


def test_the_engine_is_steered_from_the_terminal_by_way_of_the_daemon(desk: RestDesk) -> None:
    def told(name: str, *more: str, code: int = 0) -> dict[str, Any]:
        done = desk.house.run("engine", name, *more, "--json")
        assert done.returncode == code, done.stdout + done.stderr
        document = dict(json.loads(done.stdout))
        schema = "error" if code else f"engine-{name}"
        jsonschema.validate(document, json.loads(schema_text(schema)))
        return document

    tripped = desk.ask("GET", "/v1/status").json()["latch_id"]
    if tripped is not None:
        lift = {"exit_id": tripped, "typed": tripped[-4:], "reason": "the test before this one"}
        assert desk.ask("POST", "/v1/latch/reset", lift, scope="engine").status_code == 200
    assert told("arm", code=2)["error"]["code"] == "ENGINE_NOT_RUNNING"
    assert told("start")["state"] == "MONITORING"
    armed = told("arm", "--daily-loss-limit-usd", "90250.5", "--max-action", "move_stop")
    assert (armed["daily_loss_limit_usd"], armed["max_action"]) == (90250.5, "move_stop")
    assert told("status")["state"] == "ARMED"
    wait_until(lambda: desk.ask("GET", "/v1/engine").json()["positions_monitored"] == 4, what="an evaluation")
    disarmed = told("disarm")
    assert (disarmed["armed"], disarmed["positions_unchanged"]) == (False, 4)
    words = [event["event"] for event in told("history", "--limit", "10")["events"]]
    assert [word for word in words if word != "RESUMED"][:3] == ["DISARMED", "ARMED", "STARTED"]
    lines = desk.house.run("engine", "history").stdout.splitlines()
    assert any("DISARMED" in line and "Disarmed by owner" in line for line in lines)
    assert "liquidation_distance" in desk.house.run("engine", "status").stdout
    refused = desk.house.run("engine", "arm", "--confidence-threshold", "2")
    assert (refused.returncode, "confidence_threshold" in refused.stderr) == (2, True)


def test_a_person_reads_the_same_lines_with_and_without_the_daemon(desk: RestDesk) -> None:
    for command in ("status", "positions"):
        by_daemon, alone = desk.house.run(command), desk.house.run(command, "--standalone")
        assert (by_daemon.returncode, alone.returncode) == (0, 0), by_daemon.stderr + alone.stderr
        assert by_daemon.stderr == ""
        assert _lasting(by_daemon.stdout) == _lasting(alone.stdout)


def test_a_program_reads_the_same_document_with_and_without_the_daemon(desk: RestDesk) -> None:
    for command in ("status", "positions"):
        by_daemon = json.loads(desk.house.run(command, "--json").stdout)
        alone = json.loads(desk.house.run(command, "--json", "--standalone").stdout)
        for document in (by_daemon, alone):
            document.pop("read_at")
            # What the journal did not take in time is told by the process that waited for it.
            (document.get("last_exit") or {}).pop("warnings", None)
        assert by_daemon == alone


def _lasting(text: str) -> str:
    # The last line of the positions ends with the time of the reading.
    return text.rpartition(" (")[0] or text


def test_standalone_never_asks_the_daemon(desk: RestDesk) -> None:
    report = report_of(desk.house.run("exit", "--now", "--json", "--standalone"))
    assert asked_by(desk, report["exit_id"]) == "cli"


def test_a_stuck_daemon_holds_nobody_up_and_does_nothing_later(desk: RestDesk) -> None:
    with suspended(desk.served.process.pid):
        done = desk.house.run("exit", "--now", "--json")
        report = report_of(done)
        assert "does not answer" in done.stderr
        assert report["verdict"] == "FLAT"
        assert desk.venues.open_positions() == 0
    assert asked_by(desk, report["exit_id"]) == "cli"
    listed = desk.ask("GET", "/v1/exits").json()["exits"]
    assert listed[0]["exit_id"] == report["exit_id"]


def test_a_daemon_that_dies_in_mid_exit_is_stood_in_for(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        desk.venues.slow_down(500)
        with started(desk.house, "exit", "--now", "--json") as process:
            desk.venues.wait_for_orders(1)
            desk.served.process.kill()
            out, err = process.communicate(timeout=COMMAND_S)
        assert process.returncode == 0, err
        assert "goes on with the exit" in err
        report = json.loads(out)
        assert report["verdict"] == "FLAT"
        assert report["total_realized_pnl_usd"] == -1250
        assert desk.venues.open_positions() == 0


def test_on_the_embedded_exchange_every_command_speaks_of_the_daemons_world(paper_desk: RestDesk) -> None:
    house = paper_desk.house
    seen = json.loads(house.run("exit", "--dry-run", "--json").stdout)
    assert len(seen["legs"]) == 4
    report = report_of(house.run("exit", "--no-hold", "--json"))
    assert report["verdict"] == "FLAT"
    exit_id = report["exit_id"]
    # A world of its own would show the four positions again, and know neither the exit nor its latch.
    assert json.loads(house.run("exit", "--dry-run", "--json").stdout)["legs"] == []
    assert json.loads(house.run("halt", "--dry-run", "--json").stdout)["would_cancel"] == []
    assert report_of(house.run("exit", "--resume", exit_id, "--json"))["exit_id"] == exit_id
    waiting = house.run("exit", "--resume", "--json")
    assert "No exit waits to be resumed" in json.loads(waiting.stdout)["error"]["message"]
    reset = house.run("reset", exit_id, "--typed", exit_id[-4:], "--reason", "all is well", "--json")
    assert report_of(reset)["latch"] == "CLEAR"
    again = house.run("reset", exit_id, "--typed", exit_id[-4:], "--reason", "all is well", "--json")
    assert (again.returncode, json.loads(again.stdout)["error"]["code"]) == (2, "CONFLICT")


def test_beside_a_daemon_on_the_embedded_exchange_nothing_is_said_of_another_one(
    paper_desk: RestDesk,
) -> None:
    house, pid = paper_desk.house, paper_desk.served.process.pid
    worlds = sorted((house.folder / "state" / "paper").glob("run-*"))
    checked = house.run("doctor")
    assert (checked.returncode, f"process {pid}" in checked.stderr) == (2, True), checked.stdout
    with suspended(pid):
        # A world of its own would have four positions to close, and be said to be flat.
        for command in (("exit", "--now", "--json"), ("halt", "--json"), ("status", "--json")):
            done = house.run(*command)
            assert done.returncode == 2, done.stdout
            assert "Nothing was done" in json.loads(done.stdout)["error"]["message"]
    assert sorted((house.folder / "state" / "paper").glob("run-*")) == worlds


def test_an_exit_that_the_daemon_goes_on_with_is_resumed_by_the_daemon(desk: RestDesk) -> None:
    desk.venues.fault("fail", failure="unavailable", executed=False, path="/fapi/v1/order", method="POST")
    failed = desk.house.run("exit", "--now", "--json", "--deadline", "2")
    assert failed.returncode in {10, 11}, failed.stderr
    exit_id = json.loads(failed.stdout)["exit_id"]
    # Two would act in its name.
    resumed = desk.house.run("exit", "--resume", exit_id, "--now", "--json")
    assert json.loads(resumed.stdout)["exit_id"] == exit_id
    desk.venues.mend()
    desk.venues.wait_for_flat()
    with closing(sqlite3.connect(desk.house.folder / "state" / "journal.sqlite")) as journal:
        runs = journal.execute(
            "SELECT count(*) FROM entries WHERE exit_id = ? AND kind = 'RunStarted'", (exit_id,)
        )
        assert runs.fetchone() == (1,)


def test_ctrl_c_leaves_the_exit_to_the_daemon_and_names_it(desk: RestDesk) -> None:
    desk.venues.slow_down(400)
    with started(desk.house, "exit", "--now") as process:
        desk.venues.wait_for_orders(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=COMMAND_S)
    assert process.returncode == 130, out + err
    exit_id = desk.ask("GET", "/v1/exits").json()["exits"][0]["exit_id"]
    assert f"`bastion watch {exit_id}` follows it" in err
    desk.venues.wait_for_flat()


def test_ctrl_c_in_the_first_second_on_a_terminal_sends_nothing(desk: RestDesk) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [PROGRAM, "exit"], env=desk.house.variables, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert b"Ctrl-C within 1 s aborts" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read().decode() == "Aborted; nothing was sent.\n"
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 6
    assert desk.venues.open_positions() == 4


def test_a_daemon_of_another_home_is_not_asked(desk: RestDesk, tmp_path: Path) -> None:
    elsewhere = House(folder=desk.house.folder, more={**desk.house.more, "BASTION_HOME": str(tmp_path)})
    for name in ("vault.age", "vault.key"):
        (tmp_path / name).write_bytes((desk.house.folder / "state" / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    report = report_of(elsewhere.run("exit", "--now", "--json"))
    assert report["verdict"] == "FLAT"
    assert all(row["exit_id"] != report["exit_id"] for row in desk.ask("GET", "/v1/exits").json()["exits"])


@pytest.mark.parametrize("what", ["another configuration", "a configuration that has changed"])
def test_a_daemon_that_would_exit_other_accounts_is_not_asked(
    desk: RestDesk, tmp_path: Path, what: str
) -> None:
    config = Path(desk.house.more["BASTION_CONFIG"])
    text = config.read_text(encoding="utf-8")
    try:
        if what == "another configuration":
            (tmp_path / "other.toml").write_text(text, encoding="utf-8")
            done = desk.house.run("status", "--json", "--config", str(tmp_path / "other.toml"))
            assert "another configuration" in done.stderr
        else:
            config.write_text(text + "\n# a line more\n", encoding="utf-8")
            done = desk.house.run("status", "--json")
            assert "has changed since it started" in done.stderr
    finally:
        config.write_text(text, encoding="utf-8")
    assert done.returncode == 0
    assert len(json.loads(done.stdout)["accounts"]) == 2


def test_a_second_daemon_says_who_runs_already(desk: RestDesk) -> None:
    done = desk.house.run("up", "--port", "0")
    assert done.returncode == 2
    assert f"process {desk.served.process.pid}" in done.stderr
    assert desk.served.address in done.stderr


def test_the_socket_of_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    with desk_at(tmp_path) as desk:
        desk.served.process.kill()
        desk.served.process.wait(timeout=COMMAND_S)
        assert desk.socket.is_socket()
        with serving(desk.house):
            done = desk.house.run("status", "--json")
            assert (done.returncode, done.stderr) == (0, "")
        assert not desk.socket.exists()
