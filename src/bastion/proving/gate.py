"""Gate: lets reads pass, and one single order of exactly the size that was confirmed; nothing else, ever."""

from dataclasses import replace
from decimal import Decimal, InvalidOperation

from bastion.venues.gate.generic import Shape, Shapes, check_by, document_of, places
from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed

FLAGS = frozenset({"reduceonly", "r"})


class OpeningGate:
    """The check of the connection that opens. `allow` names the one size; before it, nothing but reads."""

    def __init__(self, shapes: Shapes, *, prefix: str) -> None:
        opening = tuple(_without_flag(shape) for shape in shapes.orders)
        self._check = check_by(replace(shapes, orders=opening, cancels=()), prefix=prefix)
        self._size: Decimal | None = None

    def allow(self, size: Decimal) -> None:
        """Let one order of that size pass, once.

        Raises:
            GateRefused: one was allowed before.
        """
        if self._size is not None:
            raise GateRefused("one order was allowed already")
        self._size = size

    def __call__(self, request: Outgoing) -> Passed:
        """Return what the request does.

        Raises:
            GateRefused: it is no read, and not the one order that may open.
        """
        passed = self._check(request)
        if passed is not Passed.REDUCE:
            return passed
        # By its shape it is an order; as its flag was not asked for, it may open.
        size, self._size = self._size, Decimal(0)
        if not size or sum(_is(value, size) for _, value in places(document_of(request))) != 1:
            raise GateRefused("it is not the one order that was confirmed")
        return passed


def _without_flag(shape: Shape) -> Shape:
    must = {place: values for place, values in shape.must.items() if not _is_flag(place)}
    # An order that opens has the fields of a reducing one, without the flag.
    return replace(shape, must=must)


def _is_flag(place: str) -> bool:
    return place.rpartition(".")[2].lstrip("?").replace("_", "").lower() in FLAGS


def _is(value: object, size: Decimal) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return False
    try:
        return abs(Decimal(str(value))) == size
    except InvalidOperation:
        return False
