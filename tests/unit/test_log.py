"""The log: JSON lines without a secret in them."""

import base64
import json
import logging
import subprocess
import sys
from urllib.parse import quote

import pytest

from bastion.log import JsonLines, Redactor, start_logging

CANARY = 'ca/na"ry+sec\\ret=7f3a'


@pytest.fixture
def redactor() -> Redactor:
    redactor = Redactor()
    redactor.learn([CANARY, "ab"])
    return redactor


def line(redactor: Redactor, message: str, *args: object, error: BaseException | None = None) -> str:
    info = None if error is None else (type(error), error, error.__traceback__)
    record = logging.LogRecord("bastion.test", logging.WARNING, "file", 1, message, args, info)
    return JsonLines(redactor).format(record)


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        quote(CANARY, safe=""),
        json.dumps(CANARY)[1:-1],
        base64.b64encode(CANARY.encode()).decode(),
        "bst_" + "a2b3" * 10,
        "bst_live_" + "a2b3" * 10,
        "AGE-SECRET-KEY-1QQQQ",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----",
    ],
)
def test_no_form_of_a_secret_gets_into_a_line(redactor: Redactor, form: str) -> None:
    text = line(redactor, "message %s", form, error=ValueError(f"bad {form} here"))
    assert form not in text
    assert json.dumps(form)[1:-1] not in text
    assert "[redacted]" in text
    assert json.loads(text)["level"] == "warning"


def test_a_signature_in_a_url_is_taken_out(redactor: Redactor) -> None:
    text = line(redactor, "GET https://x/y?timestamp=1&signature=deadbeef&z=1")
    assert "deadbeef" not in text
    assert "timestamp=1" in text


def test_a_line_stays_a_line_and_valid_json(redactor: Redactor) -> None:
    text = line(redactor, "two\nlines %d %s", 5)
    assert "\n" not in text
    assert json.loads(text)["logger"] == "bastion.test"


def test_short_common_values_are_not_taken_for_secrets(redactor: Redactor) -> None:
    assert "about" in line(redactor, "about")


def test_everything_goes_to_standard_error(redactor: Redactor, capfd: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        start_logging(redactor)
        logging.getLogger("ccxt").warning("key %s", CANARY)
        out, err = capfd.readouterr()
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert out == ""
    assert CANARY not in err
    assert json.loads(err)["message"] == "key [redacted]"


def test_a_log_that_nobody_reads_holds_nothing_up() -> None:
    program = (
        "import logging\n"
        "from bastion.log import Redactor, start_logging\n"
        "start_logging(Redactor())\n"
        "for number in range(2000):\n"
        "    logging.getLogger('bastion').warning('%d %s', number, 'x' * 5000)\n"
        "print('done')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        # Nothing is read of its standard error before it has said that it is through.
        assert process.stdout.readline() == "done\n"
        kept = process.stderr.read().splitlines()
    assert json.loads(kept[0])["message"].startswith("0 x")
    assert len(kept) < 2000
