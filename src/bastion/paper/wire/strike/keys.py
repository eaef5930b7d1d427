"""API-key routes: make, inspect, revoke and test a key."""

from bastion.paper.strike.identity import Scheme
from bastion.paper.strike.identity_keys import ActiveKeyExists
from bastion.paper.wire.strike.answers import Answer, Refusal, answer
from bastion.paper.wire.strike.call import Call, Counter
from bastion.paper.wire.strike.shapes import optional_time_text, time_text

_US_PER_MS = 1000


async def generate(counter: Counter, call: Call) -> Answer:
    """Make the wallet's personal key and show it, this once."""
    wallet = call.caller.wallet
    counter.limits.keys.take(wallet)
    try:
        made = counter.identity.keys.generate(wallet)
    except ActiveKeyExists as error:
        message = "An API key already exists for this wallet. Revoke it first."
        raise Refusal(400, message, code="API_KEY_EXISTS") from error
    return answer(
        {
            "success": True,
            "api_key": made.secret,
            "wallet_address": wallet,
            "created_at": time_text(made.record.created_at_ms * _US_PER_MS),
            "message": "API key generated successfully. Save it now: it is shown only once.",
        }
    )


async def status(counter: Counter, call: Call) -> Answer:
    """A key's life, use and what is left of its wallet's trading limit."""
    wallet = call.caller.wallet
    record = counter.identity.keys.latest(wallet)
    if record is None:
        raise Refusal(404, "No API key exists for this wallet", code="API_KEY_NOT_FOUND")
    allowance = counter.limits.trading.allowance(wallet)
    used_at_ms = record.last_used_at_ms
    return answer(
        {
            "success": True,
            "status": "active" if record.revoked_at_ms is None else "inactive",
            "wallet_address": wallet,
            "created_at": time_text(record.created_at_ms * _US_PER_MS),
            "last_used_at": optional_time_text(None if used_at_ms is None else used_at_ms * _US_PER_MS),
            "request_count": record.request_count,
            "rate_limit": {
                "limit": allowance.limit,
                "remaining": allowance.remaining,
                "reset_at": time_text(allowance.reset_at_ms * _US_PER_MS),
            },
        }
    )


async def revoke(counter: Counter, call: Call) -> Answer:
    """End the wallet's key for good."""
    record = counter.identity.keys.revoke(call.caller.wallet)
    if record is None or record.revoked_at_ms is None:
        raise Refusal(404, "No API key exists for this wallet", code="API_KEY_NOT_FOUND")
    return answer(
        {
            "success": True,
            "message": "API key revoked successfully",
            "wallet_address": record.wallet,
            "revoked_at": time_text(record.revoked_at_ms * _US_PER_MS),
        }
    )


async def test_auth(counter: Counter, call: Call) -> Answer:
    """Say whose key was sent."""
    kind = "service" if call.caller.scheme is Scheme.SERVICE else "personal"
    return answer(
        {
            "authenticated": True,
            "wallet_address": call.caller.wallet,
            "api_key_present": True,
            "api_key_type": kind,
            "timestamp": time_text(counter.clock.now_ms() * _US_PER_MS),
        }
    )
