"""Log: JSON lines on standard error, out of which every known secret is taken."""

import base64
import json
import logging
import os
import re
import select
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TextIO
from urllib.parse import quote

REDACTED = "[redacted]"
SECRET_LENGTH_MIN = 4
_PIECE = 4096

# Secrets that betray themselves by their form, also where nobody registered them.
_FORMS = re.compile(
    r"bst_(?:[a-z]+_)?[a-z2-7]{16,}"
    r"|AGE-SECRET-KEY-1[A-Z0-9]+"
    r"|(?<=[?&]signature=)[^&\s\"']+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
    re.DOTALL,
)


class Redactor:
    """Takes known secrets out of any text, also in their URL-quoted, JSON-escaped and base64 forms."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()

    def learn(self, secrets: Iterable[str]) -> None:
        """Take these values out of every text from now on; values under four characters are too common."""
        forms = set(self._known)
        for secret in secrets:
            if len(secret) < SECRET_LENGTH_MIN:
                continue
            forms.update({secret, quote(secret, safe=""), json.dumps(secret)[1:-1]})
            forms.add(base64.b64encode(secret.encode("utf-8")).decode("ascii").rstrip("="))
        # The longest first: a secret that contains another is taken out whole.
        self._known = tuple(sorted(forms, key=lambda form: (-len(form), form)))

    def clean(self, text: str) -> str:
        """Return the text without any known secret."""
        for form in self._known:
            if form in text:
                text = text.replace(form, REDACTED)
        return _FORMS.sub(REDACTED, text)


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON: time (UTC), level, logger, message, and the error if any."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; no known secret is in it, not even within a traceback."""
        line = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redactor.clean(_message(record)),
        }
        if record.exc_info:
            line["error"] = self._redactor.clean(self.formatException(record.exc_info))
        return self._redactor.clean(json.dumps(line, ensure_ascii=False))


class Unheeded(logging.StreamHandler[TextIO]):
    """Writes to a stream for as long as it takes anything; what it does not take at once is dropped.

    Who started the process may never read its standard error. A pipe that is full must not hold an exit.
    """

    dropped = 0
    _cut = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, or drop it."""
        try:
            descriptor = self.stream.fileno()
        except (OSError, ValueError):
            super().emit(record)  # Not a file of the system: it cannot fill up.
            return
        lost = json.dumps({"level": "warning", "dropped_lines": self.dropped}) + "\n" if self.dropped else ""
        text = ("\n" if self._cut else "") + lost + self.format(record) + "\n"
        rest = whole = text.encode("utf-8", errors="replace")
        try:
            self.stream.flush()
            while rest and select.select((), (descriptor,), (), 0)[1]:
                # A pipe that can be written to takes this much without waiting (PIPE_BUF).
                rest = rest[os.write(descriptor, rest[:_PIECE]) :]
        except (OSError, ValueError):
            pass
        self.dropped = self.dropped + 1 if rest else 0
        self._cut = bool(rest) and (self._cut or len(rest) < len(whole))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)


def start_logging(redactor: Redactor, *, level: str = "warning") -> None:
    """Send every log record of the process to standard error as JSON lines; standard output is never used."""
    handler = Unheeded(sys.stderr)
    handler.setFormatter(JsonLines(redactor))
    root = logging.getLogger()
    for present in list(root.handlers):
        root.removeHandler(present)
    root.addHandler(handler)
    root.setLevel(level.upper())
