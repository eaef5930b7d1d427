"""Any other exchange: what may leave is known by the shapes that its library was seen to send.

A shape is one kind of request: method, path, the fields that it has, and the values that some of them must
have. An order must have a shape of its exchange, with the exchange's own reduce-only flag in it, in every
item of a list, and no field that the seen orders did not have: what attaches a stop, transfers, or opens has
other fields. A shape that is not listed is refused. What the flag means is the exchange's word.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

from bastion.shape import dataclass
from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed, read_json
from bastion.venues.gate.rules import Check

ANY = "*"
_MISSING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One kind of request. A segment `*` of the path is any one segment, such as an order's id.

    `fields` are the places of all values, as `places` writes them; None leaves them free. `must` are places
    that every request of this kind has, in every item of a list, with one of the given values.
    """

    method: str
    path: str
    fields: frozenset[str] | None
    must: Mapping[str, tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """What one exchange's library sends. `gets_read` says that no GET of that exchange changes anything."""

    orders: tuple[Shape, ...]
    cancels: tuple[Shape, ...]
    reads: tuple[Shape, ...]
    gets_read: bool


def check_by(shapes: Shapes, *, prefix: str = "") -> Check:
    """Return the check of an exchange with these shapes, behind a base URL with that path prefix."""

    def check(request: Outgoing) -> Passed:
        path = request.path
        if not path.startswith(prefix):
            raise GateRefused(f"{path} is not behind the base URL")
        path = path.removeprefix(prefix)
        content = document_of(request)
        for kinds, passed in (
            (shapes.orders, Passed.REDUCE),
            (shapes.cancels, Passed.CANCEL),
            (shapes.reads, Passed.READ),
        ):
            if any(_fits(shape, request.method, path, content) for shape in kinds):
                return passed
        known = {(shape.method, shape.path) for shape in (*shapes.orders, *shapes.cancels)}
        acts = any(method == request.method and _along(path, place) for method, place in known)
        if shapes.gets_read and request.method == "GET" and not acts:
            return Passed.READ
        raise GateRefused(
            f"{request.method} {path} is no known shape of a read, a cancel or a reducing order"
        )

    return check


def document_of(request: Outgoing) -> object:
    """Return query and body of a request as one document; the query's names begin with `?`.

    Raises:
        GateRefused: it can be read in two ways.
    """
    document: dict[str, object] = {f"?{name}": value for name, value in request.query().items()}
    if not request.body:
        return document
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError:
        raise GateRefused("the body is not UTF-8") from None
    if text[:1] in {"{", "["}:
        body = read_json(text)
    else:
        pairs = parse_qsl(text, keep_blank_values=True)
        body = dict(pairs)
        if len(body) != len(pairs):
            raise GateRefused("a name comes twice in the body")
    document["body"] = body
    return document


def places(document: object, at: str = "") -> Iterator[tuple[str, object]]:
    """Return every value of a document with its place: names joined by dots, `[]` for each item of a list."""
    if isinstance(document, dict):
        for name, value in document.items():
            yield from places(value, f"{at}.{name}" if at else str(name))
    elif isinstance(document, list):
        for item in document:
            yield from places(item, f"{at}[]")
    else:
        yield at, document


def _fits(shape: Shape, method: str, path: str, document: object) -> bool:
    if method != shape.method or not _along(path, shape.path):
        return False
    if shape.fields is not None and not {place for place, _ in places(document)} <= shape.fields:
        return False
    return all(_all_at(document, place, allowed) for place, allowed in shape.must.items())


def _along(path: str, pattern: str) -> bool:
    found, wanted = path.split("/"), pattern.split("/")
    return len(found) == len(wanted) and all(
        one == other or (other == ANY and one) for one, other in zip(found, wanted, strict=True)
    )


def _all_at(document: object, place: str, allowed: tuple[object, ...]) -> bool:
    values = list(_at(document, place.replace("[]", ".[]").split(".")))
    return bool(values) and all(
        any(type(value) is type(one) and value == one for one in allowed) for value in values
    )


def _at(document: object, steps: list[str]) -> Iterator[object]:
    # What is not there is a value too, and none that is allowed: each item must have the field.
    if not steps:
        yield document
    elif steps[0] == "[]":
        if not isinstance(document, list) or not document:
            yield _MISSING
        else:
            for item in document:
                yield from _at(item, steps[1:])
    elif isinstance(document, dict):
        yield from _at(document.get(steps[0], _MISSING), steps[1:])
    else:
        yield _MISSING


def path_of(url: str) -> str:
    """Return the path of a URL without a closing slash, as `Outgoing.path` does."""
    return urlsplit(url).path.rstrip("/")
