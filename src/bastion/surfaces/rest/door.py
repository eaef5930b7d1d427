"""Door: what a request must be before a route sees it.

In this order: from this machine and no foreign page (421, 403), a route that exists (404, 405), a good key
(401) within its rate (429), known query names (422), a whole and sound body (400, 408, 413, 415). The
unix socket's peer is this program's own user, who can do all that a key can: it needs none.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from bastion import commands
from bastion.auth.rates import Rates
from bastion.domain.act import Act
from bastion.domain.principal import Principal, Scope
from bastion.errors import BastionError, KeyRefused
from bastion.surfaces.rest import asgi
from bastion.surfaces.rest.intake import Unfit, check_json, read_body
from bastion.surfaces.rest.metrics import Figures
from bastion.surfaces.rest.problems import Flaw, Reply, problem, problem_of
from bastion.surfaces.rest.routes import find
from bastion.surfaces.rest.table import Route

SURFACE = "rest"
OWNER = Principal(id="owner", surface="socket", scope=Scope.ENGINE)
"""Whoever can open the socket can read the vault's key file: asking for a bst_ key would add nothing."""
HOSTS = ("127.0.0.1", "localhost", "[::1]")
QUERY_FIELDS_MAX = 20
COMMON_HEADERS = (("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff"))


class Door:
    """Wraps the application of the routes."""

    def __init__(
        self, application: asgi.Application, *, desk: commands.Desk, rates: Rates, figures: Figures
    ) -> None:
        self._application = application
        self._desk = desk
        self._rates = rates
        self._figures = figures

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Serve one ASGI connection."""
        headers = texts_of(scope)
        route, known = find(scope["path"], scope["method"])
        extra: list[tuple[str, str]] = list(COMMON_HEADERS)
        counted = _Counting(send, extra, self._figures, "none" if route is None else route.name)
        try:
            taken = await self._admit(scope, receive, headers, route, known, extra)
            await self._application(scope, taken, counted.send)
        except Unfit as unfit:
            await send_reply(counted.send, unfit.reply)
        except Exception as error:  # noqa: BLE001 - the boundary: whatever failed, its text stays in the log
            reply = problem_of(error)
            # An answer that had begun is broken off, by the server, since its end never comes.
            if not counted.begun:
                await send_reply(counted.send, reply)

    async def _admit(
        self,
        scope: asgi.Scope,
        receive: asgi.Receive,
        headers: Mapping[str, str],
        route: Route | None,
        known: tuple[str, ...],
        extra: list[tuple[str, str]],
    ) -> asgi.Receive:
        if not scope.get(asgi.LOCAL, False):
            _check_origin(headers)
        if not known:
            raise Unfit(
                problem(404, "There is no such address; GET /v1/openapi.json names those that exist.")
            )
        if route is None:
            told = (("Allow", ", ".join(known)),)
            raise Unfit(problem(405, f"This address takes {' and '.join(known)} only.", headers=told))
        if route.act is not None:
            scope[asgi.PRINCIPAL] = self._principal(scope, route.act, extra)
        _check_query(scope["query_string"], route)
        scope[asgi.ROUTE] = route
        if route.body is None:
            return receive
        body = await read_body(receive, headers)
        if body:
            scope[asgi.BODY] = check_json(body, headers)
        await self._desk.right_of_way.enter(route.act, scope.get(asgi.PRINCIPAL))
        return _given_again(body, receive)

    def _principal(self, scope: asgi.Scope, act: Act, extra: list[tuple[str, str]]) -> Principal:
        presented = keys_of(scope)
        if not presented and scope.get(asgi.LOCAL, False):
            return OWNER
        if not presented:
            # Who shows no key tries none, and is not counted among those who do.
            raise KeyRefused(
                "A bastion key is required: send `Authorization: Bearer bst_...` or `X-API-Key`. "
                "`bastion keys create --scope trade` makes one."
            )
        client = scope.get("client")
        principal = self._rates.authenticate(
            lambda: self._identify(presented),
            address=client[0] if client else None,
            surface=SURFACE,
        )
        try:
            allowance = self._rates.admit(principal, act)
        except BastionError:
            extra += self._rates.standing(principal, act).headers().items()
            raise
        extra += allowance.headers().items()
        return principal

    def _identify(self, presented: tuple[str, ...]) -> Principal:
        found = {
            principal.id: principal
            for principal in (self._desk.keys.authenticate(text, surface=SURFACE) for text in presented)
        }
        if len(found) > 1:
            raise KeyRefused("The keys in the headers belong to different principals; send one of them.")
        return next(iter(found.values()))


def texts_of(scope: asgi.Scope) -> dict[str, str]:
    """Return the headers by their lower-case names, the last of each name, without blanks around."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1").strip(" \t")
        for name, value in scope["headers"]
    }


def keys_of(scope: asgi.Scope) -> tuple[str, ...]:
    """Return the keys in the headers."""
    found: list[str] = []
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        if name == "x-api-key" and value:
            found.append(value)
        elif name == "authorization":
            scheme, _, token = value.partition(" ")
            if scheme.lower() == "bearer" and token.strip():
                found.append(token.strip())
            elif value:
                # Basic and the like: a credential that is none of ours must not pass as no credential.
                found.append(value)
    return tuple(found)


def _check_origin(headers: Mapping[str, str]) -> None:
    if _bare_host(headers.get("host", "")) not in HOSTS:
        raise Unfit(problem(421, "This server answers to 127.0.0.1 and localhost only."))
    origin = headers.get("origin")
    if origin is not None and (
        not origin.startswith("http://") or _bare_host(origin.removeprefix("http://")) not in HOSTS
    ):
        raise Unfit(problem(403, "A page of another origin may not ask this server."))


def _bare_host(authority: str) -> str:
    host, colon, port = authority.rpartition(":")
    if colon and port.isascii() and port.isdecimal():
        return host.lower()
    return authority.lower()


def _check_query(query: bytes, route: Route) -> None:
    if not query:
        return
    names = [
        name
        for name, _ in parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX
        )
    ]
    known = route.query_names()
    for name in names:
        if name not in known:
            detail = "This address knows no such query parameter"
            if name.lower() == "api_key":
                detail = "A key belongs in a header, since addresses are logged"
            flaw = Flaw(pointer=name[:64], detail=detail)
            raise Unfit(problem(422, f"{detail}. Nothing was done.", flaws=[flaw]))
        if names.count(name) > 1:
            flaw = Flaw(pointer=name[:64], detail="given twice")
            raise Unfit(problem(422, "A query parameter was given twice. Nothing was done.", flaws=[flaw]))


def _given_again(body: bytes, receive: asgi.Receive) -> asgi.Receive:
    waiting: list[asgi.Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> asgi.Message:
        return waiting.pop() if waiting else await receive()

    return again


class _Counting:
    """Passes an answer on with the door's headers, and counts it."""

    def __init__(self, send: asgi.Send, extra: list[tuple[str, str]], figures: Figures, name: str) -> None:
        self._send = send
        self._extra = extra
        self._figures = figures
        self._name = name
        self.begun = False

    async def send(self, message: asgi.Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            self._figures.requested(self._name, message["status"])
            present = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(
                    (name.lower().encode("ascii"), value.encode("latin-1"))
                    for name, value in self._extra
                    if name.lower().encode("ascii") not in present
                ),
            ]
        await self._send(message)


async def send_reply(send: asgi.Send, reply: Reply) -> None:
    """Send a finished answer."""
    headers = [
        (b"content-type", reply.media_type.encode("ascii")),
        (b"content-length", str(len(reply.body)).encode("ascii")),
        *((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in reply.headers),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
