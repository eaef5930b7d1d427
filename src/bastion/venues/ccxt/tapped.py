"""Tapped: ccxt's class with the raw answer taken out of it, before its own reading of it."""

from collections.abc import Callable
from typing import Any

from bastion.venues.raw import Answer


class Answered(Exception):  # noqa: N818 - it carries an answer; nothing went wrong
    """Carries a raw answer out of ccxt, past its own reading of it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def tapped(exchange: Any) -> Any:  # noqa: ANN401 - ccxt ships no types
    """Return ccxt's class with the raw answer taken at `handle_errors` and the timestamp from our clock."""

    class Tapped(exchange):  # type: ignore[misc]
        stamp_ms: Callable[[], int]

        def handle_errors(self, code: int, *rest: Any) -> None:  # noqa: ANN401 - as above
            # ccxt hands over: reason, url, method, headers, body, and what it made of them.
            headers, body = rest[3], rest[4]
            lowered = {str(name).lower(): str(value) for name, value in headers.items()}
            raise Answered(Answer(status=int(code), headers=lowered, text=str(body or "")))

        def parse_json(self, _text: Any) -> None:  # noqa: ANN401 - as above
            # The body is read once, by us, with decimals instead of floats.
            return None

        def nonce(self) -> int:
            return self.stamp_ms()

    Tapped.__name__ = exchange.__name__
    return Tapped
