"""Routes: the one table of what the wire serves, from which server and OpenAPI document are made."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from bastion.paper.wire.strike import keys, markets, schemas, trading, wallets
from bastion.paper.wire.strike.answers import Answer, ErrorStyle
from bastion.paper.wire.strike.call import Call, Counter
from bastion.paper.wire.strike.fields import (
    BELOW_ONE_PATTERN,
    POSITION_ID_MAX,
    WALLET_PATTERN,
    ZERO_PATTERN,
    Field,
    Schema,
    amount_field,
    choice_field,
    hash_field,
    integer_field,
    time_field,
    wallet_field,
)

LEVERAGE_MAX: Final = 1000

Serve = Callable[[Counter, Call], Awaitable[Answer]]


class Guard(Enum):
    """Who may use a route and which limit counts."""

    PUBLIC = "by address"
    OPEN = "nothing"
    WALLET = "a credential"
    TRADING = "a credential, trading limit"
    EXIT = "a credential, exit limit"
    KEY = "an API key"


AUTHENTICATED: Final = frozenset({Guard.WALLET, Guard.TRADING, Guard.EXIT, Guard.KEY})
LIMITED: Final = frozenset({Guard.PUBLIC, *AUTHENTICATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation. `refusals` says when each error status of its own comes; 401 and 429 follow `guard`."""

    method: str
    path: str
    name: str
    summary: str
    serve: Serve
    guard: Guard
    result: Schema
    body: Mapping[str, Field] = field(default_factory=dict)
    path_schema: Schema | None = None
    refusals: Mapping[int, str] = field(default_factory=dict)
    style: ErrorStyle = ErrorStyle.MESSAGE
    idempotent: bool = False


_WALLET_PATH: Final[Schema] = {"type": "string", "pattern": WALLET_PATTERN}
_BAD_WALLET: Final = "The wallet address is malformed."
_BODY: Final = "The body is malformed"
_FOREIGN: Final = "The position belongs to another wallet."


def _position_id() -> dict[str, Field]:
    description = "The unique identifier of the position."
    return {"positionId": integer_field(minimum=1, maximum=POSITION_ID_MAX, description=description)}


def _order(symbols: Sequence[str]) -> dict[str, Field]:
    return {
        "margin": amount_field("The margin in USD, at least 1.", excluded=BELOW_ONE_PATTERN),
        "leverage": integer_field(minimum=1, maximum=LEVERAGE_MAX, description="The leverage."),
        "symbol": choice_field(symbols, "The market."),
    }


def _movement() -> dict[str, Field]:
    return {
        "walletAddress": wallet_field("The wallet on the venue."),
        "amount": amount_field("The amount in USDC, above 0.", excluded=ZERO_PATTERN),
        "txHash": hash_field("The hash of the chain transaction; one hash counts once."),
        "timestamp": time_field("When the transfer took place."),
    }


def routes(symbols: Sequence[str]) -> tuple[Route, ...]:
    """Every operation of the wire, for a venue with these markets."""
    return (*_trading(symbols), *_wallets(), *_movements(), *_keys(), *_markets(symbols))


def _trading(symbols: Sequence[str]) -> tuple[Route, ...]:
    cannot_open = (
        f"{_BODY}, the margin is out of bounds, the balance does not cover it, or the market takes no"
        " orders now (halted, or its mark is stale)."
    )
    return (
        Route(
            method="POST",
            path="/long",
            name="openLong",
            summary="Open a long position",
            serve=trading.open_long,
            guard=Guard.TRADING,
            body=_order(symbols),
            result=schemas.OPENED,
            refusals={400: cannot_open},
        ),
        Route(
            method="POST",
            path="/short",
            name="openShort",
            summary="Open a short position",
            serve=trading.open_short,
            guard=Guard.TRADING,
            body=_order(symbols),
            result=schemas.OPENED,
            refusals={400: cannot_open},
        ),
        Route(
            method="POST",
            path="/close",
            name="closePosition",
            summary="Close a position in full at the mark",
            serve=trading.close,
            guard=Guard.TRADING,
            body=_position_id(),
            result=schemas.CLOSED,
            refusals={
                400: f"{_BODY}, the position is unknown or not open, or the market is halted or stale.",
                403: _FOREIGN,
            },
        ),
        Route(
            method="POST",
            path="/emergency-exit",
            name="emergencyExit",
            summary="Return the original margin of an open position, without profit or loss; irreversible",
            serve=trading.emergency_exit,
            guard=Guard.EXIT,
            body=_position_id(),
            result=schemas.EXITED,
            refusals={
                400: f"{_BODY}, the position is unknown, not open or exited before, a gate that the operator"
                " switched on refuses, or the Idempotency-Key was used with another body.",
                403: _FOREIGN,
            },
            idempotent=True,
        ),
    )


def _wallets() -> tuple[Route, ...]:
    def read(path: str, name: str, summary: str, serve: Serve, result: Schema, **rest: str) -> Route:
        missing = rest.get("missing")
        return Route(
            method="GET",
            path=path,
            name=name,
            summary=summary,
            serve=serve,
            guard=Guard.PUBLIC,
            path_schema=_WALLET_PATH,
            result=result,
            refusals={400: _BAD_WALLET} if missing is None else {400: _BAD_WALLET, 404: missing},
            style=ErrorStyle(rest.get("style", ErrorStyle.MESSAGE.value)),
        )

    return (
        read(
            "/positions/{wallet}",
            "getPositions",
            "List a wallet's open, closed and settled positions",
            wallets.positions,
            schemas.POSITIONS,
        ),
        read(
            "/positions/{wallet}/queue-positions",
            "getQueuePositions",
            "Show a wallet's places in the payout queue",
            wallets.queue_positions,
            schemas.QUEUE,
            missing="The wallet has nothing in the queue.",
        ),
        read(
            "/account/{wallet}",
            "getAccount",
            "Show a wallet's balances, deposits and withdrawals",
            wallets.account,
            schemas.ACCOUNT,
        ),
        read(
            "/balances/{wallet}",
            "getBalances",
            "Show a wallet's balance against its history",
            wallets.balances,
            schemas.BALANCES,
            style=ErrorStyle.DETAIL.value,
        ),
        read(
            "/dashboard/{wallet}",
            "getDashboard",
            "Show a wallet at a glance",
            wallets.dashboard,
            schemas.DASHBOARD,
            missing="The wallet never did anything here.",
        ),
    )


def _movements() -> tuple[Route, ...]:
    return (
        Route(
            method="POST",
            path="/deposit",
            name="recordDeposit",
            summary="Record a deposit; the chain transaction is the proof",
            serve=wallets.deposit,
            guard=Guard.OPEN,
            body=_movement(),
            result=schemas.DEPOSITED,
            refusals={
                400: f"{_BODY}, the amount is 0 or too large, the chain does not confirm the transaction,"
                " or it was recorded with other details."
            },
        ),
        Route(
            method="POST",
            path="/withdraw",
            name="recordWithdrawal",
            summary="Record a withdrawal from one of the caller's wallets",
            serve=wallets.withdraw,
            guard=Guard.WALLET,
            body=_movement(),
            result=schemas.WITHDRAWN,
            refusals={
                400: f"{_BODY}, the amount is 0 or more than is withdrawable, withdrawals are suspended, the"
                " chain does not confirm the transaction, or it was recorded with other details.",
                403: "The wallet is none of the caller's.",
            },
        ),
    )


def _keys() -> tuple[Route, ...]:
    def key_route(method: str, path: str, name: str, summary: str, serve: Serve, result: Schema) -> Route:
        refusals = {400: "INVALID_WALLET.", 404: "API_KEY_NOT_FOUND: the wallet has no such key."}
        if method == "POST":
            refusals = {400: "API_KEY_EXISTS or INVALID_WALLET."}
        return Route(
            method=method,
            path=path,
            name=name,
            summary=summary,
            serve=serve,
            guard=Guard.KEY,
            result=result,
            refusals=refusals,
            style=ErrorStyle.CODE,
        )

    return (
        key_route(
            "POST",
            "/api-key/generate",
            "generateApiKey",
            "Make the wallet's personal key; it is shown once",
            keys.generate,
            schemas.KEY_GENERATED,
        ),
        key_route(
            "GET",
            "/api-key/status",
            "getApiKeyStatus",
            "Show a key's life, use and remaining limit",
            keys.status,
            schemas.KEY_STATUS,
        ),
        key_route(
            "DELETE",
            "/api-key/revoke",
            "revokeApiKey",
            "End a key for good",
            keys.revoke,
            schemas.KEY_REVOKED,
        ),
        Route(
            method="GET",
            path="/test-auth",
            name="testAuth",
            summary="Say whose API key was sent",
            serve=keys.test_auth,
            guard=Guard.KEY,
            result=schemas.KEY_TESTED,
            style=ErrorStyle.DETAIL,
        ),
    )


def _markets(symbols: Sequence[str]) -> tuple[Route, ...]:
    return (
        Route(
            method="GET",
            path="/markets",
            name="getMarkets",
            summary="List the markets",
            serve=markets.markets,
            guard=Guard.PUBLIC,
            result=schemas.MARKETS,
        ),
        Route(
            method="GET",
            path="/market/{symbol}",
            name="getMarket",
            summary="Show one market",
            serve=markets.market,
            guard=Guard.PUBLIC,
            path_schema={"type": "string", "enum": list(symbols)},
            result=schemas.MARKET,
            refusals={404: "There is no such market."},
        ),
        Route(
            method="GET",
            path="/health",
            name="getHealth",
            summary="Show the venue's state",
            serve=markets.health,
            guard=Guard.OPEN,
            result=schemas.HEALTH,
        ),
    )
