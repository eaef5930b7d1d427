"""The watch for secrets: it sees a key in an output, a log and a child's stderr, and nothing else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.secret_watch import learn, shown_in

ROOT = Path(__file__).resolve().parent.parent.parent
SUITE = """
import logging, os, subprocess, sys
import pytest
from bastion.auth.keys import Keys
from bastion.auth.credential import Credential
from bastion.auth.vault import Vault
from bastion.clock import SystemClock
from bastion.domain.principal import Scope
from bastion.storage.keys import SqliteKeyStore

@pytest.fixture
def key(tmp_path):
    store = SqliteKeyStore(tmp_path / "k")
    return Keys(store=store, clock=SystemClock(), entropy=os.urandom).create(scope=Scope.READ)

def test_calm(key):
    print(key, key.record.id, "bst_" + "a" * 40)

def test_printed(key):
    print("look:", key.text)

def test_without_its_prefix(key):
    print(key.text[4:])

def test_logged(key):
    logging.getLogger("x").warning("used %s", key.text)

def test_by_a_child(key):
    subprocess.run([sys.executable, "-c", "import sys; sys.stderr.write(sys.argv[1])", key.text])

def test_in_a_fixtures_end(key, later):
    later.append(key.text)

@pytest.fixture
def later():
    texts = []
    yield texts
    print(*texts)

def test_of_a_vault(tmp_path):
    fields = {"apiKey": "an-api-key-of-a-test", "secret": "the-secret-of-that-test"}
    Vault(path=tmp_path / "v", key_file=tmp_path / "f").put(Credential(name="a", fields=fields))
    print(fields["secret"])
"""


def test_every_way_by_which_a_test_shows_a_secret_fails_it(tmp_path: Path) -> None:
    suite = tmp_path / "test_shows.py"
    suite.write_text(SUITE, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rfE",
            "-p",
            "tests.secret_watch",
            "-p",
            "no:cacheprovider",
            str(suite),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stdout.splitlines()
    caught = {line.split("::")[1].split(" ")[0] for line in lines if line.startswith(("ERROR ", "FAILED "))}
    assert caught == {
        "test_printed",
        "test_without_its_prefix",
        "test_logged",
        "test_by_a_child",
        "test_in_a_fixtures_end",
        "test_of_a_vault",
    }, done.stdout
    assert "the-secret-of-that-test" not in done.stdout


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", 0),
        ("nothing here", 0),
        ("bst_" + "b" * 40, 0),
        ("bst_live_" + "c" * 40 + " twice bst_" + "c" * 40, 2),
        ("a-long-enough-secret", 1),
        ("short", 0),
    ],
)
def test_it_finds_what_it_has_learnt_and_nothing_else(text: str, found: int) -> None:
    for secret in ("bst_" + "c" * 40, "a-long-enough-secret", "short"):
        learn(secret)
    places = shown_in(text)
    assert len(places) == found
    assert not any("c" * 40 in place for place in places)
