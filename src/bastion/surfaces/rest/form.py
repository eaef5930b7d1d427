"""Form: what a request says in its path, its query and its body, held to the models of its route."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import Field, TypeAdapter, ValidationError

from bastion.shape import dataclass
from bastion.surfaces.rest.bodies import Body
from bastion.surfaces.rest.intake import Unfit
from bastion.surfaces.rest.problems import Flaw, problem
from bastion.surfaces.rest.table import EXIT_ID_PATTERN, Route

FLAWS_MAX = 10
SHOWN_MAX, NAME_SHOWN_MAX = 200, 64
B = TypeVar("B", bound=Body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What a request says, as its route's models have it."""

    path: Mapping[str, str]
    query: Body | None
    body: Body | None


def formed(route: Route, *, path: str, query: bytes, body: object) -> Values:
    """Return what a request says; `body` is the JSON that came, None where none did.

    Raises:
        Unfit: something of it does not fit; the refusal names the first flaws.
    """
    flaws: list[Flaw] = []
    named = _named(route, path, flaws)
    asked = _modelled(route.query, dict(_pairs(query)), "query", flaws)
    told: Body | None = None
    if body is not None:
        told = _modelled(route.body, body, "body", flaws)
    elif route.body is not None and _can_be_empty(route.body):
        told = route.body()
    elif route.body is not None:
        flaws.append(_flaw(("body",), "Field required"))
    if flaws:
        first = f" {flaws[0].pointer}: {flaws[0].detail}."
        detail = f"The request does not fit this address.{first} Nothing was done."
        raise Unfit(problem(422, detail, flaws=flaws[:FLAWS_MAX]))
    return Values(path=named, query=asked, body=told)


def _named(route: Route, path: str, flaws: list[Flaw]) -> Mapping[str, str]:
    found = route.form.fullmatch(path)
    named = {} if found is None else found.groupdict()
    for name, value in named.items():
        try:
            _exit_id().validate_python(value)
        except ValidationError as error:
            flaws.extend(_flaws(error, ("path", name)))
    return named


def _modelled(model: type[B] | None, value: object, where: str, flaws: list[Flaw]) -> B | None:
    if model is None:
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        flaws.extend(_flaws(error, (where,)))
        return None


def _pairs(query: bytes) -> Sequence[tuple[str, str]]:
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else ()


@cache
def _can_be_empty(model: type[Body]) -> bool:
    return not any(field.is_required() for field in model.model_fields.values())


@cache
def _exit_id() -> TypeAdapter[str]:
    # By the library of the models, so that a pattern means the same everywhere.
    adapter: TypeAdapter[str] = TypeAdapter(Annotated[str, Field(pattern=EXIT_ID_PATTERN)])
    return adapter


def _flaws(error: ValidationError, where: tuple[str, ...]) -> Iterator[Flaw]:
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        yield _flaw((*where, *each["loc"]), each["msg"].removeprefix("Value error, "))


def _flaw(place: tuple[Any, ...], message: str) -> Flaw:
    return Flaw(pointer=_pointer(place), detail=_shown(message))


def _pointer(place: tuple[object, ...]) -> str:
    where, *names = (_shown(str(part))[:NAME_SHOWN_MAX] for part in place)
    return "/" + "/".join(names) if where == "body" else "/".join(names)


def _shown(text: str) -> str:
    # What was sent can stand in names and messages; only what prints is repeated, and not much of it.
    return "".join(character if character.isprintable() else "?" for character in text)[:SHOWN_MAX]
