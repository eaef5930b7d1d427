"""Errors: one tree, typed by what we know after them.

A refusal before anything happened is a `Refused`. What a venue did or did not do with a request is a
`VenueError`, and its class says how much we know: `VenueRejected` (the venue said no, nothing was executed),
`VenueUnreachable` (nothing was executed, or the request was only a read), `OutcomeUnknown` (an order may or
may not have been executed) and `AnswerMalformed` (an answer came, but its shape is not to be believed).
"""

from enum import StrEnum


class BastionError(Exception):
    """The root of every error that bastion raises on purpose; its text is fit to be shown to the user."""


class Refused(BastionError):  # noqa: N818 - named for what is known after it
    """The request cannot be honoured; nothing was changed."""

    code = "INVALID_ARGUMENT"


class ConfigInvalid(Refused):
    """The configuration or a file that it names cannot be used; the text says where and what to do."""


class VaultUnusable(ConfigInvalid):
    """The vault of venue credentials cannot be opened, or lacks a credential."""


class KeyRefused(Refused):
    """The bastion key is missing, malformed, unknown, revoked or expired.

    `key_id` is the id of the key where it is known here and no longer good.
    """

    code = "AUTH_REQUIRED"

    def __init__(self, text: str, *, key_id: str | None = None) -> None:
        super().__init__(text)
        self.key_id = key_id


class ScopeDenied(Refused):
    """The bastion key is valid, but its scope does not allow the action."""

    code = "SCOPE_DENIED"


class Conflict(Refused):
    """The action contradicts the present state, for example arming while the latch is tripped."""

    code = "CONFLICT"


class SymbolUnknown(Refused):
    """No venue of the desk knows the symbol."""

    code = "INVALID_SYMBOL"


class PositionNotFound(Refused):
    """No open position fits what was named."""

    code = "POSITION_NOT_FOUND"


class ExitUnknown(Refused):
    """The journal knows no exit, halt or refund of that id."""


class WrongSide(Refused):
    """A trigger price on the side of the market on which it would fire at once."""

    code = "WRONG_SIDE"


class EngineNotRunning(Refused):
    """The engine must be started first."""

    code = "ENGINE_NOT_RUNNING"


class ConfirmationRequired(Refused):
    """The act wants a word of a person that did not come, or did not fit."""

    code = "CONFIRMATION_REQUIRED"


class RateLimited(Refused):
    """The key, or the address, asked more often than it may; the text holds the words "rate limit"."""

    code = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class JournalUnusable(BastionError):  # noqa: N818 - named for what is known after it
    """The journal could not make a record durable."""


class Fault(StrEnum):
    """What a venue's error code means for an exit; a code that we do not know is RESOLVE."""

    RETRY = "retry"
    """Temporary overload: nothing was executed; send again shortly."""
    RATE_LIMIT = "rate_limit"
    """Over a published limit: nothing was executed; wait for the reset."""
    RESOLVE = "resolve"
    """The outcome is unknown, or the code is unknown to us: ask the venue before anything is sent again."""
    MAYBE_FLAT = "maybe_flat"
    """The venue says that there is nothing to reduce: read the position again."""
    BLOCKED = "blocked"
    """Resting reduce-only orders hold the size: cancel them first."""
    BAND = "band"
    """The price protection refused a market order: go down the ladder."""
    SIZE = "size"
    """The size is above the maximum, below the minimum or off the step."""
    MODE = "mode"
    """The position-mode parameters do not fit the account: read the position again and rebuild."""
    CLOCK = "clock"
    """Our timestamp is outside the venue's window: synchronise the clock, send again."""
    DUPLICATE = "duplicate"
    """The client order id was used before: look the order up."""
    TERMINAL = "terminal"
    """No retry can help: the credential, its permissions or its address list must be changed by a person."""


class VenueError(BastionError):
    """Something between us and a venue; `code` is the venue's own code where it gave one."""

    def __init__(self, message: str, *, code: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after_s = retry_after_s


class VenueRejected(VenueError):  # noqa: N818 - named for what is known after it
    """The venue answered no, and nothing was executed."""

    def __init__(
        self, message: str, *, fault: Fault, code: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, code=code, retry_after_s=retry_after_s)
        self.fault = fault


class VenueUnreachable(VenueError):  # noqa: N818 - named for what is known after it
    """The venue gave no answer to a read, or a request certainly did not reach it."""


class OutcomeUnknown(VenueError):  # noqa: N818 - named for what is known after it
    """An order or a cancel may or may not have been executed: resolve it, never assume."""


class AnswerMalformed(VenueError):  # noqa: N818 - named for what is known after it
    """An answer came whose raw shape is not the documented one; it is treated as no answer."""
