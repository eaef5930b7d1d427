"""Parameters: what a request carries, read strictly, with Binance's error for each way to get it wrong."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from bastion.paper.wire.binance.errors import BinanceError, illegal_characters, not_sent

DECIMAL_RANGE = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID_RANGE = r"^[\.A-Z\:/a-z0-9_-]{1,36}$"
_WHOLE_RANGE = r"^[0-9]{1,20}$"
_CLIENT_ID_LENGTH = 36

E = TypeVar("E", bound=StrEnum)


class Parameters:
    """The decoded parameters of one request."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name, "") != ""

    @property
    def raw(self) -> Mapping[str, str]:
        """All values as they were sent."""
        return self._values

    def text(self, name: str) -> str:
        """Return a mandatory value."""
        value = self._values.get(name, "")
        if not value:
            raise not_sent(name)
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return an optional value; an empty one counts as absent."""
        return self._values.get(name) or None

    def whole(self, name: str) -> int:
        """Return a mandatory whole number."""
        if not re.fullmatch(_WHOLE_RANGE, self.text(name)):
            raise illegal_characters(name, _WHOLE_RANGE)
        return int(self.text(name))

    def whole_or_none(self, name: str) -> int | None:
        """Return an optional whole number."""
        return self.whole(name) if name in self else None

    def bounded(self, name: str, *, default: int, most: int) -> int:
        """Return an optional count of at most `most`."""
        value = self.whole(name) if name in self else default
        if not 1 <= value <= most:
            raise BinanceError(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value

    def decimal(self, name: str) -> Decimal:
        """Return a mandatory decimal number."""
        if not re.fullmatch(DECIMAL_RANGE, self.text(name)):
            raise illegal_characters(name, DECIMAL_RANGE)
        return Decimal(self.text(name))

    def decimal_or_none(self, name: str) -> Decimal | None:
        """Return an optional decimal number."""
        return self.decimal(name) if name in self else None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return an optional `true` or `false`, in any case."""
        if name not in self:
            return default
        value = self.text(name).lower()
        if value not in {"true", "false"}:
            raise illegal_characters(name, "true|false")
        return value == "true"

    def choice(self, name: str, kind: type[E], code: int, message: str) -> E:
        """Return a mandatory member of `kind`; anything else is the error `code`."""
        try:
            return kind(self.text(name))
        except ValueError:
            raise BinanceError(code, message) from None

    def client_id(self, name: str) -> str:
        """Return an optional client id, empty when absent."""
        if name not in self:
            return ""
        value = self.text(name)
        if len(value) > _CLIENT_ID_LENGTH:
            raise BinanceError(-4015, "Client order id is not valid.")
        if not re.fullmatch(CLIENT_ID_RANGE, value):
            raise illegal_characters(name, CLIENT_ID_RANGE)
        return value
