"""Stage: builds what a world draws: exchanges with their wires, and the desk's real adapters on them."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal

from bastion.domain.account import Account
from bastion.paper.scenario import parse_scenario
from bastion.paper.wire.protocol import Wire
from bastion.paper.wire.registry import PLUGINS
from bastion.paper.world import World as PaperWorld
from bastion.ports import Venue
from bastion.venues.catalog import Catalog, default_key_space
from bastion.venues.ccxt.binance_papi import KEY_SPACE as PAPI
from bastion.venues.ccxt.hyperliquid_signing import Signer
from tests.simulation.exits.virtual_time import VirtualClock
from tests.simulation.wires.host import Host, VenueClock
from tests.simulation.wires.transport import in_memory
from tests.simulation.wires.worlds import BASES, MARKS, AccountDraw, HostDraw, RestingDraw, World

STEPS = {"BTC": "0.001", "ETH": "0.01", "SOL": "0.1", "XRP": "10", "ADA": "10", "LTC": "0.1"}
TICKS = {"BTC": "1", "ETH": "0.1", "SOL": "0.01", "XRP": "0.0001", "ADA": "0.0001", "LTC": "0.01"}
LONG_AGO_MS = 3_600_000
RULES = {name: plugin.rules for name, plugin in PLUGINS.items()}


def symbol_of(venue: str, base: str) -> str:
    """Return the venue's own name of a contract."""
    forms = {"okx": "{}-USDT-SWAP", "hyperliquid": "{}"}
    return forms.get(venue, "{}USDT").format(base)


def credential_of(account: AccountDraw) -> Mapping[str, str]:
    """Return the credential of an account, as the vault holds it."""
    if account.venue == "hyperliquid":
        wallet = hashlib.sha256(f"wallet of {account.name}".encode()).hexdigest()[:40]
        agent = hashlib.sha256(f"agent of {account.name}".encode()).hexdigest()
        return {"walletAddress": f"0x{wallet}", "privateKey": f"0x{agent}"}
    return {field: f"{account.name}-{field}" for field in ("apiKey", "secret", "password")}


def paper_world(plan: HostDraw, accounts: list[AccountDraw], clock: VirtualClock) -> tuple[PaperWorld, Wire]:
    """Return the exchange of one venue with these accounts, opened an hour ago, and its wire."""
    venue = plan.venue
    document = {
        "name": "simulation",
        "venue": [
            {
                "name": venue,
                "instrument": [_instrument(plan, base) for base in BASES],
                "account": [_account(one, plan.step_cap) for one in accounts],
            }
        ],
    }
    time = VenueClock(clock, plan.skew_s)
    time.before_ms = LONG_AGO_MS
    world = PaperWorld(parse_scenario(document), RULES, clock=time)
    time.before_ms = 0
    settings = {"portfolio_margin": 1} if plan.portfolio else {}
    return world, PLUGINS[venue].build(world.exchange(venue), settings)


def adapters(world: World, hosts: Mapping[str, Host], clock: VirtualClock) -> dict[str, Venue]:
    """Return fresh adapters of all accounts, as the composition root builds them."""
    by_name = {f"{venue}.simulated": host for venue, host in hosts.items()}
    catalog = Catalog(clock=clock, shelf_dir=None, connect=in_memory(by_name.__getitem__))
    return {
        one.name: catalog.build(
            Account(
                name=one.name,
                venue=one.venue,
                key_space=PAPI if world.hosts[one.venue].portfolio else default_key_space(one.venue),
                credential=one.name,
                base_url=f"http://{one.venue}.simulated",
            ),
            credential_of(one),
        )
        for one in world.accounts
    }


def price_at(base: str, share: Decimal) -> Decimal:
    """Return a price at a share of the contract's first mark, on its tick."""
    tick = Decimal(TICKS[base])
    return (MARKS[base] * share / tick).to_integral_value() * tick


def _instrument(plan: HostDraw, base: str) -> dict[str, object]:
    step = Decimal(STEPS[base])
    size = Decimal("0.1") if plan.venue == "okx" else Decimal(1)
    deep = str(step * 100_000)
    return {
        "symbol": symbol_of(plan.venue, base),
        "base": base,
        "quote": "USD" if plan.venue == "hyperliquid" else "USDT",
        "settle": "USDC" if plan.venue == "hyperliquid" else "USDT",
        "tick": TICKS[base],
        "step": STEPS[base],
        "quantity_min": STEPS[base],
        "quantity_max": str(step * 100_000),
        "market_quantity_max": str(step * (plan.step_cap or 100_000)),
        "contract_size": str(size),
        "mark": str(MARKS[base]),
        "depth": {"bids": [[0, deep], [5, deep]], "asks": [[1, deep], [6, deep]]},
    }


def _account(one: AccountDraw, step_cap: int) -> dict[str, object]:
    given = credential_of(one)
    if one.venue == "hyperliquid":
        identity = {
            "address": given["walletAddress"],
            "api_key": Signer(given["privateKey"]).address,
            "secret": "the venue knows no secret",
        }
    else:
        identity = {"api_key": given["apiKey"], "secret": given["secret"], "passphrase": given["password"]}
    settle = "USDC" if one.venue == "hyperliquid" else "USDT"
    return {
        "name": one.name,
        **identity,
        "position_mode": "HEDGE" if one.hedged else "ONE_WAY",
        "balances": {settle: "100000000"},
        "position": [
            {
                "symbol": symbol_of(one.venue, held.base),
                "side": held.side if one.hedged else "NET",
                "quantity": str(Decimal(STEPS[held.base]) * held.steps * (1 if held.side == "LONG" else -1)),
                "entry": str(price_at(held.base, held.entry_share)),
            }
            for held in one.holdings
        ],
        "order": [_order(one, rest, number, step_cap) for number, rest in enumerate(one.resting)],
    }


def _order(one: AccountDraw, rest: RestingDraw, number: int, step_cap: int) -> dict[str, object]:
    # A stop waits where the price would hurt, a limit where it would please.
    above = rest.buys is rest.conditional
    price = price_at(rest.base, 1 + rest.away if above else 1 - rest.away)
    # What waits for its trigger is a market order, and no larger than one may be.
    steps = min(rest.steps, step_cap) if rest.conditional and step_cap else rest.steps
    order: dict[str, object] = {
        "symbol": symbol_of(one.venue, rest.base),
        "direction": "BUY" if rest.buys else "SELL",
        "quantity": str(Decimal(STEPS[rest.base]) * steps),
        "side": rest.side if one.hedged else "NET",
        "reduce_only": rest.closes and not one.hedged,
        "client_order_id": f"bot{number}",
    }
    if rest.conditional:
        return order | {"trigger_price": str(price), "trigger_when": "RISES_TO" if above else "FALLS_TO"}
    return order | {"price": str(price)}
