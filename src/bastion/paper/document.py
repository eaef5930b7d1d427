"""Document: a table of a scenario file or a JSON body, read strictly."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)

_ABSENT = object()


class DocumentError(ValueError):
    """A table lacks a field, has an unknown one, or one of the wrong kind; nothing was changed."""


class Document:
    """One table. Every field must be asked for before `finish`, so that a misspelt one is never ignored."""

    def __init__(self, values: object, where: str) -> None:
        if not isinstance(values, Mapping):
            raise DocumentError(f"{where} must be a table of names and values.")
        self._values = {str(name): value for name, value in values.items()}
        self._asked: set[str] = set()
        self.where = where

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @property
    def values(self) -> Mapping[str, object]:
        """The table as it stands."""
        return self._values

    def over(self, defaults: Mapping[str, object]) -> "Document":
        """Return this table with `defaults` for the fields that it lacks."""
        return Document({**defaults, **self._values}, self.where)

    def finish(self) -> None:
        """Refuse fields that nobody asked for."""
        unknown = sorted(set(self._values) - self._asked)
        if unknown:
            known = ", ".join(sorted(self._asked))
            raise DocumentError(f"{self.where} has no field {', '.join(unknown)}; it has {known}.")

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without `default` it is mandatory."""
        value = self._get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def text_or_none(self, name: str) -> str | None:
        """Return a text, or None where it is absent."""
        return self.text(name) if self._has(name) else None

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number; without `default` it is mandatory."""
        value = self._get(name, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number")
        return value

    def whole_or_none(self, name: str) -> int | None:
        """Return a whole number, or None where it is absent."""
        return self.whole(name) if self._has(name) else None

    def decimal(self, name: str, default: Decimal | None = None) -> Decimal:
        """Return a decimal number, written as a text or a whole number; without `default` it is mandatory."""
        value = self._get(name, default)
        if isinstance(value, Decimal):
            return value
        return self._to_decimal(value, name)

    def decimal_or_none(self, name: str) -> Decimal | None:
        """Return a decimal number, or None where it is absent."""
        return self.decimal(name) if self._has(name) else None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def choice(self, name: str, kind: type[E], default: E | None = None) -> E:
        """Return a member of `kind`, written in any case."""
        text = self.text(name, default)
        for member in kind:
            if member.value.lower() == text.lower():
                return member
        raise self._wrong(name, "one of " + ", ".join(kind))

    def choice_or_none(self, name: str, kind: type[E]) -> E | None:
        """Return a member of `kind`, or None where it is absent."""
        return self.choice(name, kind) if self._has(name) else None

    def table(self, name: str) -> "Document":
        """Return a table; an absent one is empty."""
        return Document(self._get(name, {}), f"{self.where}.{name}")

    def raw(self, name: str) -> Mapping[str, object]:
        """Return a table as it stands, for somebody else to read; an absent one is empty."""
        return self.table(name).values

    def tables(self, name: str) -> list["Document"]:
        """Return a list of tables; an absent one is empty."""
        rows = self._get(name, [])
        if not isinstance(rows, list):
            raise self._wrong(name, "a list of tables")
        return [Document(row, f"{self.where}.{name}[{number}]") for number, row in enumerate(rows)]

    def texts(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return a list of texts."""
        rows = self._get(name, list(default))
        if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
            raise self._wrong(name, "a list of texts")
        return tuple(rows)

    def pairs(self, name: str) -> tuple[tuple[int, Decimal], ...]:
        """Return a list of pairs of a whole number and a decimal; an absent one is empty."""
        rows = self._get(name, [])
        shape = "a list of pairs of a whole number and a decimal"
        if not isinstance(rows, list):
            raise self._wrong(name, shape)
        found = []
        for row in rows:
            if not isinstance(row, list) or len(row) != 2 or not isinstance(row[0], int):  # noqa: PLR2004 - a pair
                raise self._wrong(name, shape)
            found.append((row[0], self._to_decimal(row[1], name)))
        return tuple(found)

    def amounts(self, name: str) -> dict[str, Decimal]:
        """Return a table of names and decimals; an absent one is empty."""
        rows = self.table(name)
        return {key: rows.decimal(key) for key in rows.values}

    def counts(self, name: str) -> dict[str, int]:
        """Return a table of names and whole numbers; an absent one is empty."""
        rows = self.table(name)
        return {key: rows.whole(key) for key in rows.values}

    def _get(self, name: str, default: object) -> object:
        self._asked.add(name)
        value = self._values.get(name, _ABSENT)
        if value is _ABSENT or value is None:
            value = default
        if value is None:
            raise DocumentError(f"{self.where} needs the field {name}.")
        return value

    def _has(self, name: str) -> bool:
        self._asked.add(name)
        return self._values.get(name) is not None

    def _to_decimal(self, value: object, name: str) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise self._wrong(name, 'a decimal number in quotes, such as "0.5"')
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise self._wrong(name, "a decimal number") from None
        if not number.is_finite():
            raise self._wrong(name, "a finite number")
        return number

    def _wrong(self, name: str, wanted: str) -> DocumentError:
        return DocumentError(f"{self.where}.{name} must be {wanted}.")
