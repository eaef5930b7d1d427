"""Admission: who makes a call, and whether it may be made now; one place for every transport.

A key that came as an argument is good, but the caller is told where it landed. Calls are counted by key; a
call that only stops has a bucket of its own and is never refused for its number.
"""

from collections.abc import Sequence

from bastion.auth.rates import Rates
from bastion.commands.right_of_way import RightOfWay
from bastion.domain.act import Act
from bastion.domain.principal import Principal, Scope
from bastion.errors import BastionError, RateLimited
from bastion.shape import dataclass
from bastion.surfaces.mcp_server.identity import (
    SURFACE,
    KeyCheck,
    Presented,
    from_argument,
    identify,
)

ADMITTED = "bastion.admitted"
"""Where the HTTP door leaves its `Admitted` in the ASGI scope."""
OWNER = Principal(id="owner", surface="mcp", scope=Scope.ENGINE)
"""Who asks by the own user's socket without a key."""
ARGUMENT_WARNING = (
    "The bastion key came as the argument `api_key`: it now stands in this conversation's transcript. Put "
    "the key into the client's configuration (a header, or BASTION_API_KEY), leave `api_key` empty, and "
    "replace this key with `bastion keys create` and `bastion keys revoke`."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """What came of one request at the door: a principal, or the refusal; and the headers that tell its rate.

    `argument` is the key argument that it was judged by, so that another one is not let through.
    """

    act: Act
    argument: object
    principal: Principal | None
    refusal: BastionError | None
    headers: tuple[tuple[str, str], ...]

    def __repr__(self) -> str:
        """Name neither key nor principal."""
        return f"Admitted({self.act.value})"


class Gate:
    """Lets calls through, or not. `rates` is shared by every surface of the process.

    With `right_of_way`, all calls but a press wait at the HTTP door for the first orders of one.
    """

    def __init__(self, *, keys: KeyCheck, rates: Rates, right_of_way: RightOfWay | None = None) -> None:
        self._keys = keys
        self._rates = rates
        self._right_of_way = right_of_way

    async def enter(self, admitted: "Admitted | None") -> None:
        """Let in a call that was judged (None needs no key): a press goes first, all else gives way."""
        if self._right_of_way is not None:
            if admitted is None or admitted.refusal is not None:
                await self._right_of_way.line_up()
            else:
                await self._right_of_way.enter(admitted.act, admitted.principal)

    def identify(self, presented: Sequence[Presented], *, address: str | None) -> Principal:
        """Return the one principal of these keys; keys that are no good are counted by address.

        Raises:
            KeyRefused: no key came, one is no good, or they disagree.
            RateLimited: as that, and too many such came from the address.
        """
        if not presented:
            # Who shows no key tries none.
            return identify(self._keys, presented)
        return self._rates.authenticate(
            lambda: identify(self._keys, presented), address=address, surface=SURFACE
        )

    def admit(
        self,
        act: Act,
        argument: object,
        presented: Sequence[Presented],
        *,
        address: str | None,
        local: bool = False,
    ) -> Admitted:
        """Judge one call by its key argument and the keys of its connection; never raises.

        `local` says that it came by the own user's socket: without a key it is the owner's.
        """
        principal: Principal | None = None
        refusal: BastionError | None = None
        headers: dict[str, str] = {}
        try:
            keys = (*from_argument(argument), *presented)
            principal = OWNER if local and not keys else self.identify(keys, address=address)
            headers = self._rates.admit(principal, act).headers()
        except RateLimited as error:
            refusal = error
            if principal is not None:
                headers = self._rates.standing(principal, act).headers()
            headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
        except BastionError as error:
            refusal = error
        return Admitted(
            act=act,
            argument=argument,
            principal=principal,
            refusal=refusal,
            headers=tuple(headers.items()),
        )


def warnings_of(argument: object) -> tuple[str, ...]:
    """Return what the caller is told about the way by which the key came."""
    return (ARGUMENT_WARNING,) if from_argument(argument) else ()
