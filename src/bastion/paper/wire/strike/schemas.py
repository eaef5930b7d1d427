"""Schemas: JSON Schema of every answer, from which the OpenAPI document is made."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bastion.paper.wire.strike.answers import RATE_LIMIT_CODE
from bastion.paper.wire.strike.fields import Schema

_MONEY: Final = r"^-?[0-9]+\.[0-9]{1,6}$"
_SIZE: Final = r"^-?[0-9]+(\.[0-9]{1,6})?$"
_RATE: Final = r"^-?[0-9]+\.[0-9]+$"
_TIME: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"

MONEY: Final[Schema] = {"type": "string", "pattern": _MONEY}
SIZE: Final[Schema] = {"type": "string", "pattern": _SIZE}
RATE: Final[Schema] = {"type": "string", "pattern": _RATE}
TIME: Final[Schema] = {"type": "string", "pattern": _TIME}
WALLET: Final[Schema] = {"type": "string", "pattern": "^0x[0-9a-f]{40}$"}
HASH: Final[Schema] = {"type": "string", "pattern": "^0x[0-9a-f]{64}$"}
TEXT: Final[Schema] = {"type": "string"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
ID: Final[Schema] = {"type": "integer", "minimum": 1}
NUMBER: Final[Schema] = {"type": "number"}
YES: Final[Schema] = {"const": True}


def exactly(properties: Mapping[str, Schema]) -> dict[str, Any]:
    """An object with all of these properties and no other."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def each(schema: Schema) -> dict[str, Any]:
    """A list of such values."""
    return {"type": "array", "items": schema}


def by_id(schema: Schema) -> dict[str, Any]:
    """An object from position ids, as text, to such values; never empty."""
    return {
        "type": "object",
        "patternProperties": {"^[1-9][0-9]*$": schema},
        "additionalProperties": False,
        "minProperties": 1,
    }


def or_null(schema: Schema) -> dict[str, Any]:
    """Such a value or null."""
    return {"oneOf": [schema, {"type": "null"}]}


def one_of(values: Sequence[str]) -> dict[str, Any]:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


STATUS: Final = one_of(("open", "closed", "settled"))

OPENED: Final = exactly(
    {
        "success": YES,
        "message": TEXT,
        "txHash": HASH,
        "gasUsed": COUNT,
        "positionId": ID,
        "symbol": TEXT,
        "szi": SIZE,
        "margin": MONEY,
        "entryPrice": MONEY,
        "liquidationPrice": MONEY,
        "status": {"const": "open"},
        "createdAt": TIME,
        "spread": MONEY,
    }
)
CLOSED: Final = exactly(
    {
        "success": YES,
        "message": TEXT,
        "txHash": HASH,
        "gasUsed": COUNT,
        "positionId": ID,
        "symbol": TEXT,
        "szi": SIZE,
        "margin": MONEY,
        "entryPrice": MONEY,
        "exitPrice": MONEY,
        "pricePnl": MONEY,
        "accumulatedFunding": MONEY,
        "grossPnl": MONEY,
        "realizedPnl": MONEY,
        "pnlFee": MONEY,
        "status": one_of(("closed", "settled")),
        "createdAt": TIME,
        "closedAt": TIME,
        "settledAt": or_null(TIME),
        "spread": MONEY,
    }
)
EXITED: Final = exactly({"success": YES, "refundedAmount": MONEY})

_POSITION: Final[dict[str, Schema]] = {
    "id": ID,
    "walletAddress": WALLET,
    "symbol": TEXT,
    "szi": SIZE,
    "margin": MONEY,
    "entryPrice": MONEY,
    "liquidationPrice": MONEY,
    "exitPrice": or_null(MONEY),
    "realizedPnl": MONEY,
    "pnlFee": MONEY,
    "status": STATUS,
    "createdAt": TIME,
    "closedAt": or_null(TIME),
    "settledAt": or_null(TIME),
    "accumulatedFunding": MONEY,
    "spread": MONEY,
}
POSITION: Final = exactly(_POSITION)
POSITIONS: Final = exactly({"open": each(POSITION), "closed": each(POSITION), "settled": each(POSITION)})
QUEUE: Final = exactly(
    {
        "queuePositions": by_id(MONEY),
        "entries": by_id(
            exactly(
                {
                    "position_id": ID,
                    "queue_position_usd": NUMBER,
                    "margin": NUMBER,
                    "realized_pnl": NUMBER,
                    "net_payout": NUMBER,
                    "position_in_queue": ID,
                    "estimated_payout_time": or_null(TIME),
                }
            )
        ),
    }
)
_MOVEMENT: Final = exactly({"amount": MONEY, "txHash": HASH, "timestamp": TIME})
ACCOUNT: Final = exactly(
    {
        "balances": exactly({"withdrawable": MONEY, "total": MONEY, "reserved": MONEY}),
        "deposits": each(_MOVEMENT),
        "withdrawals": each(_MOVEMENT),
    }
)
BALANCES: Final = exactly(
    {"balance": MONEY, "withdrawable": MONEY, "totalDeposited": MONEY, "totalWithdrawn": MONEY}
)
DASHBOARD: Final = exactly(
    {
        "withdrawable": NUMBER,
        "active": each(
            exactly(
                {
                    **_POSITION,
                    "leverage": NUMBER,
                    "position_value": MONEY,
                    "unrealized_pnl": MONEY,
                    "return_on_equity": RATE,
                }
            )
        ),
        "pending_payout": each(exactly({**_POSITION, "queue_position_usd": NUMBER})),
        "history": each(POSITION),
        "points": COUNT,
    }
)
DEPOSITED: Final = exactly(
    {"success": YES, "message": TEXT, "amount": MONEY, "txHash": HASH, "verified": YES, "block_number": COUNT}
)
WITHDRAWN: Final = exactly({"success": YES, "message": TEXT})
KEY_GENERATED: Final = exactly(
    {
        "success": YES,
        "api_key": {"type": "string", "pattern": "^stk_[A-Za-z0-9]{50}$"},
        "wallet_address": WALLET,
        "created_at": TIME,
        "message": TEXT,
    }
)
KEY_STATUS: Final = exactly(
    {
        "success": YES,
        "status": one_of(("active", "inactive")),
        "wallet_address": WALLET,
        "created_at": TIME,
        "last_used_at": or_null(TIME),
        "request_count": COUNT,
        "rate_limit": exactly({"limit": or_null(COUNT), "remaining": or_null(COUNT), "reset_at": TIME}),
    }
)
KEY_REVOKED: Final = exactly({"success": YES, "message": TEXT, "wallet_address": WALLET, "revoked_at": TIME})
KEY_TESTED: Final = exactly(
    {
        "authenticated": YES,
        "wallet_address": WALLET,
        "api_key_present": YES,
        "api_key_type": one_of(("personal", "service")),
        "timestamp": TIME,
    }
)
MARKETS: Final = exactly(
    {
        "markets": each(
            exactly(
                {
                    "symbol": TEXT,
                    "price": or_null(MONEY),
                    "longOi": MONEY,
                    "shortOi": MONEY,
                    "totalOi": MONEY,
                    "longFundingRateHourly": RATE,
                    "shortFundingRateHourly": RATE,
                    "volumeUsd24h": MONEY,
                    "volumeUsdTotal": MONEY,
                    "skew": RATE,
                }
            )
        ),
        "count": COUNT,
    }
)
MARKET: Final = exactly(
    {
        "symbol": TEXT,
        "price": or_null(MONEY),
        "position_multiplier": RATE,
        "long_funding_rate_hourly": RATE,
        "short_funding_rate_hourly": RATE,
        "long_funding_rate_annual": RATE,
        "short_funding_rate_annual": RATE,
        "long_oi": MONEY,
        "short_oi": MONEY,
        "total_oi": MONEY,
        "skew": RATE,
        "volumeUsd24h": MONEY,
        "volumeUsdTotal": MONEY,
    }
)
_HEALTH_STATUS: Final = one_of(("healthy", "degraded", "unhealthy"))
_SERVICE: Final = exactly({"status": TEXT, "response_time_ms": NUMBER})
HEALTH: Final = exactly(
    {
        "status": _HEALTH_STATUS,
        "timestamp": TIME,
        "version": TEXT,
        "environment": TEXT,
        "uptime": COUNT,
        "services": exactly({"database": _SERVICE, "redis": _SERVICE, "rpc": _SERVICE}),
        "metrics": exactly({"active_users": COUNT, "open_positions": COUNT, "total_volume_24h": MONEY}),
    }
)

RATE_LIMITED: Final = exactly(
    {
        "error": {"const": RATE_LIMIT_CODE},
        "message": TEXT,
        "retry_after": {"type": "integer", "minimum": 1, "maximum": 60},
    }
)
DETAIL: Final = exactly({"detail": TEXT})
KEY_CODES: Final = (
    "API_KEY_EXISTS",
    "INVALID_WALLET",
    "UNAUTHORIZED",
    "INTERNAL_ERROR",
    "API_KEY_NOT_FOUND",
    "INVALID_API_KEY",
)
KEY_REFUSED: Final = exactly({"success": {"const": False}, "error": one_of(KEY_CODES), "message": TEXT})


def message(status: int) -> dict[str, Any]:
    """The plain error body of one status."""
    return exactly({"error": {"const": status}, "message": TEXT})
