"""Markets and health: what anybody may know of the venue."""

from bastion.paper.strike.money import usd_text
from bastion.paper.wire.strike.answers import Answer, Refusal, answer
from bastion.paper.wire.strike.call import Call, Counter
from bastion.paper.wire.strike.shapes import market_item, market_page, time_text

DEGRADED_FROM_MS = 100
UNHEALTHY_FROM_MS = 500


async def markets(counter: Counter, _call: Call) -> Answer:
    """Every market."""
    items = [market_item(market) for market in counter.venue.markets()]
    return answer({"markets": items, "count": len(items)})


async def market(counter: Counter, call: Call) -> Answer:
    """One market."""
    view = counter.venue.market(call.path["symbol"])
    if view is None:
        raise Refusal(404, "Market not found")
    return answer(market_page(view))


async def health(counter: Counter, _call: Call) -> Answer:
    """The venue's own state, judged by how long its ledger takes to answer a read."""
    asked_ms = counter.clock.now_ms()
    metrics = counter.venue.metrics()
    volume = sum(view.volume_24h for view in counter.venue.markets())
    now_ms = counter.clock.now_ms()
    took_ms = now_ms - asked_ms
    # The embedded venue has no cache server and no chain node; both say so and count as well.
    absent = {"status": "embedded", "response_time_ms": 0}
    state = health_word(took_ms)
    return answer(
        {
            "status": state,
            "timestamp": time_text(now_ms * 1000),
            "version": counter.version,
            "environment": counter.environment,
            "uptime": (now_ms - counter.started_ms) // 1000,
            "services": {
                "database": {"status": state, "response_time_ms": took_ms},
                "redis": absent,
                "rpc": absent,
            },
            "metrics": {
                "active_users": metrics.wallets,
                "open_positions": metrics.open_positions,
                "total_volume_24h": usd_text(volume),
            },
        }
    )


def health_word(took_ms: int) -> str:
    """The health of a service that answered in `took_ms`: below 100 ms healthy, to 500 ms degraded."""
    if took_ms < DEGRADED_FROM_MS:
        return "healthy"
    return "degraded" if took_ms <= UNHEALTHY_FROM_MS else "unhealthy"
