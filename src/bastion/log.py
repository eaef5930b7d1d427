"""Log: JSON lines on standard error, out of which every known secret is taken."""

import base64
import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

REDACTED = "[redacted]"
SECRET_LENGTH_MIN = 4

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


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return str(record.msg)


def start_logging(redactor: Redactor, *, level: str = "warning") -> None:
    """Send every log record of the process to standard error as JSON lines; standard output is never used."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(redactor))
    root = logging.getLogger()
    for present in list(root.handlers):
        root.removeHandler(present)
    root.addHandler(handler)
    root.setLevel(level.upper())
