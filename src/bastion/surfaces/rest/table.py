"""Table: the form of a route; the server, its OpenAPI document and the generated tests come from it."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import TypeVar

from starlette.responses import Response

from bastion import commands
from bastion.domain.act import Act
from bastion.domain.principal import Principal
from bastion.shape import dataclass
from bastion.surfaces.rest.bodies import Body
from bastion.surfaces.rest.metrics import Figures

WAIT_S_DEFAULT = 20.0
WAIT_S_MAX = 55.0
EXIT_ID_PATTERN = r"^[a-z][a-z0-9]{1,39}$"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request whose key and form are good: who asks the desk for what.

    `document` is the OpenAPI document, `wait_s` how long the caller would wait for long work (`Prefer`),
    `last_event` the Last-Event-ID.
    """

    desk: commands.Desk
    figures: Figures
    document: bytes
    principal: Principal
    body: Body | None
    query: Body | None
    path: Mapping[str, str]
    wait_s: float
    last_event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a route gives back: a report, or (for a stream or a text) a response that is ready to send."""

    report: object = None
    status: int = 200
    headers: Headers = ()
    response: Response | None = None


Run = Callable[[Asked], Awaitable[Answer]]
B = TypeVar("B", bound=Body)


def given(model: type[B], value: Body | None) -> B:
    """Return the body or query as what its route says that it is.

    Raises:
        TypeError: it is something else, which the server's own check makes impossible.
    """
    if not isinstance(value, model):
        raise TypeError(f"this route takes {model.__name__}")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route: what is published of it, which act it is, and what it does.

    `act` None means that no key is asked for. `answer` is the dataclass of a good answer, None where it is
    something else of the type `media`. `long` says that the answer may be 202 with a Location. `statuses`
    are the refusals beyond those that every route of its kind can give.
    """

    name: str
    method: str
    path: str
    act: Act | None
    tag: str
    summary: str
    description: str
    answer: type | None
    run: Run
    body: type[Body] | None = None
    query: type[Body] | None = None
    media: str = "application/json"
    long: bool = False
    statuses: tuple[int, ...] = ()
    form: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Prepare the pattern by which a path is recognised."""
        names = re.sub(r"\{([a-z_]+)\}", r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "form", re.compile(names))

    @property
    def path_names(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(self.form.groupindex)

    @property
    def changes(self) -> bool:
        """Whether a repetition could do something twice."""
        return self.method in {"POST", "PUT"} and self.act is not None and not self.act.reads

    def query_names(self) -> frozenset[str]:
        """The query parameters that it knows."""
        return frozenset() if self.query is None else frozenset(self.query.model_fields)


def finished(report: object, *, path: str, judged: bool) -> Answer:
    """Return the answer of long work: 200 once it is judged, else 202 with where to look and when."""
    if judged:
        return Answer(report=report)
    return Answer(report=report, status=202, headers=(("Location", path), ("Retry-After", "1")))
