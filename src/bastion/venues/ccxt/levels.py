"""Levels: one side of an order book, as most venues write it."""

from bastion.domain.book import Level
from bastion.domain.money import Price, Quantity
from bastion.errors import AnswerMalformed
from bastion.venues.raw import Row


def levels(book: Row, name: str) -> tuple[Level, ...]:
    """Return one side of an order book: a list of [price, quantity, ...], best first.

    Raises:
        AnswerMalformed: it is not that.
    """
    found = book.raw(name)
    if not isinstance(found, list):
        raise AnswerMalformed(f"{book.where}: {name} must be a list")
    return tuple(_level(item, f"{book.where}.{name}") for item in found)


def _level(item: object, where: str) -> Level:
    if not isinstance(item, list) or len(item) < 2:  # noqa: PLR2004 - a price and a quantity
        raise AnswerMalformed(f"{where}: a level must be a price and a quantity")
    row = Row({"price": item[0], "quantity": item[1]}, where)
    return Level(price=Price(row.decimal("price")), quantity=Quantity(row.decimal("quantity")))
