"""What `--json` answers fits its published schema, by the installed program on real accounts."""

import json
from typing import Any

import jsonschema
import pytest

from bastion.surfaces.reference.answers import ANSWERS
from bastion.surfaces.schemas import schema_names, schema_text
from tests.acceptance.how_to.reader import KEY, Reader
from tests.secret_watch import learn

ELSEWHERE = {
    "venues-prove": "run by its own acceptance test, which may open a position",
    "gauntlet": "run by the tests of the gauntlet",
    "refund": "asked of the venue that refunds, with the tests of its how-to page",
    "refund-preview": "as refund",
    "refund-review": "as refund",
}


class Checked:
    """Types commands and holds each answer to its published schema."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.seen: set[str] = set()
        self.schemas: dict[str, Any] = {}

    def ask(self, name: str, *words: str, given: str = "", code: int = 0, lines: bool = False) -> Any:  # noqa: ANN401 - JSON
        """Type one command, check what it answers against the schema of that name, and return it."""
        trader = self.reader.trader
        more = [] if lines else ["--json"]
        done = trader.run(*words, *more, given=given, BASTION_CONFIG=str(trader.config))
        for key in KEY.findall(done.stdout):
            learn(key)
        assert done.returncode == code, (words, KEY.sub("a key", done.stdout), done.stderr)
        if name not in self.schemas:
            self.schemas[name] = json.loads(schema_text(name))
        documents = [json.loads(row) for row in (done.stdout.splitlines() if lines else [done.stdout])]
        assert documents
        for document in documents:
            jsonschema.validate(document, self.schemas[name], jsonschema.Draft202012Validator)
        self.seen.add(name)
        return documents[0]


@pytest.fixture(scope="module")
def checked(desk: Reader) -> Checked:
    return Checked(desk)


def test_the_answers_of_an_emergency_fit(checked: Checked) -> None:
    checked.reader.fill()
    checked.ask("status", "status")
    checked.ask("positions", "positions", "--standalone")
    checked.ask("exit-preview", "exit", "--dry-run")
    checked.ask("halt-preview", "halt", "--dry-run")
    halt = checked.ask("halt", "halt", "--venue", "bybit")
    checked.ask("halt", "watch", halt["halt_id"])
    report = checked.ask("exit", "exit", "--now")
    exit_id = report["exit_id"]
    checked.ask("exit", "watch", exit_id)
    file = str(checked.reader.folder / f"{exit_id}.json")
    checked.ask("certificate-written", "certificate", "show", exit_id, "--out", file)
    checked.ask("certificate-check", "certificate", "verify", file)
    claim = str(checked.reader.folder / f"{exit_id}-claim.json")
    checked.ask("claim-written", "certificate", "export", exit_id, "--out", claim)
    checked.ask("certificate-check", "certificate", "verify", claim)
    checked.ask("journal-row", "journal", "export", lines=True)
    checked.ask("journal-check", "journal", "verify")
    checked.ask("error", "reset", exit_id, "--typed", "none", "--reason", "a slip", code=2)
    checked.ask("reset", "reset", exit_id, "--typed", exit_id[-4:], "--reason", "all is well")
    checked.ask("doctor", "doctor")


def test_the_answers_of_the_engine_fit(checked: Checked) -> None:
    checked.ask("engine-start", "engine", "start")
    checked.ask("engine-arm", "engine", "arm", "--max-action", "hold")
    checked.ask("engine-status", "engine", "status")
    checked.ask("engine-disarm", "engine", "disarm")
    checked.ask("engine-history", "engine", "history")
    checked.ask("error", "engine", "arm", "--confidence-threshold", "2", code=2)


def test_the_answers_about_keys_and_credentials_fit(checked: Checked) -> None:
    made = checked.ask("key", "keys", "create", "--scope", "read", "--days", "30", "--cap-usd", "10.5")
    newer = checked.ask("key", "keys", "rotate", made["id"])
    checked.ask("key-revoked", "keys", "revoke", newer["id"])
    checked.ask("keys", "keys", "list")
    given = "api_key = some-key-of-the-test\nsecret = some-secret-of-the-test\n"
    checked.ask("credential", "vault", "put", "spare", "--from-stdin", given=given)
    checked.ask("credentials", "vault", "list")
    checked.ask("credential-removed", "vault", "remove", "spare")
    file = str(checked.reader.folder / "credential.txt")
    url = checked.reader.market.wires["binance"]
    words = ("--venue", "binance", "--base-url", url, "--from-file", file, "--dry-run")
    checked.ask("connect", "connect", "another", *words)


def test_the_other_answers_fit_and_none_is_forgotten(checked: Checked) -> None:
    checked.ask("venues", "venues")
    checked.ask("gauntlet-list", "gauntlet", "--list")
    assert tuple(checked.ask("schemas", "schema")["schemas"]) == schema_names()
    printed = checked.reader.trader.run("schema", "exit").stdout
    assert json.loads(printed) == json.loads(schema_text("exit"))
    checked.ask("demo", "demo", "--act", "1")
    checked.ask("error", "schema", "nonsense", code=2)
    assert checked.seen | set(ELSEWHERE) == {answer.name for answer in ANSWERS}
