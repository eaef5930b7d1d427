"""Wire: Hyperliquid over one exchange core."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import partial

from bastion.paper.exchange.venue import Exchange
from bastion.paper.rules import Oversize, VenueRules
from bastion.paper.wire.hyperliquid import actions, history, limits, market, placing, state, twaps
from bastion.paper.wire.hyperliquid.answers import (
    UNREADABLE,
    Denied,
    Done,
    Unreadable,
    denied,
    done,
    plain,
    shown,
    too_many,
)
from bastion.paper.wire.hyperliquid.call import Call, Read
from bastion.paper.wire.hyperliquid.directory import Directory
from bastion.paper.wire.hyperliquid.door import Door
from bastion.paper.wire.hyperliquid.fields import Fields
from bastion.paper.wire.hyperliquid.memory import Memory
from bastion.paper.wire.hyperliquid.session import HyperliquidSession, is_socket
from bastion.paper.wire.protocol import WireAnswer, WirePlugin, WireRequest
from bastion.paper.wire.streams import StreamSession, Wake

VENUE = "hyperliquid"
INFO, EXCHANGE = "/info", "/exchange"

RULES = VenueRules(
    market_oversize=Oversize.SHRINK,
    limit_oversize=Oversize.SHRINK,
    hedge_oversize=Oversize.SHRINK,
    resting_reduce_only_holds=False,
    trigger_makes_new_order=False,
    flat_cancels_reduce_only=True,
    counter_price_is_checked=False,
    limit_prices_are_checked=False,
    hedge_settles=frozenset(),
    first_order_id=77_738_308,
    funding_interval_ms=3_600_000,
    # Liquidation and auto-deleveraging happen within one block: there is no state in between.
    freezes=False,
)

_READS: Mapping[str, Read] = {**market.READS, **state.READS, **history.READS, **twaps.READS}
_CANCELS = frozenset({"cancel", "cancelByCloid", "scheduleCancel", "twapCancel"})
_BATCHES = ("orders", "cancels", "modifies")
_FAILURES: Mapping[str, tuple[int, str]] = {
    "unavailable": (503, "Service Temporarily Unavailable"),
    "unknown_status": (504, "Gateway Timeout"),
    "overloaded": (502, "Bad Gateway"),
    "internal_error": (500, "Internal Server Error"),
    "banned": (403, "Forbidden"),
}


class HyperliquidWire:
    """Speaks Hyperliquid. `oracle_band` refuses what would take further than that from the mark."""

    def __init__(
        self,
        exchange: Exchange,
        *,
        masters: Mapping[str, str],
        is_testnet: bool,
        weight: int,
        requests: int,
        open_orders: int,
        oracle_band: Decimal | None,
    ) -> None:
        self._exchange = exchange
        self._directory = Directory(exchange, masters)
        self._door = Door(self._directory, is_testnet=is_testnet)
        self._weights = limits.Weights(weight)
        self._requests = limits.Requests(exchange, requests)
        self._memory = Memory()
        self._open_orders = open_orders
        self._actions: Mapping[str, Callable[[Call], Done]] = {
            "order": partial(placing.place, oracle_band=oracle_band),
            "modify": partial(placing.modify, oracle_band=oracle_band),
            "batchModify": partial(placing.modify, oracle_band=oracle_band),
            "twapOrder": twaps.place,
            "twapCancel": twaps.cancel,
            "cancel": actions.cancel,
            "cancelByCloid": actions.cancel_by_cloid,
            "scheduleCancel": actions.schedule_cancel,
            "updateLeverage": actions.update_leverage,
            "approveBuilderFee": actions.approve_builder_fee,
            "setReferrer": actions.nothing,
            "noop": actions.nothing,
        }

    @property
    def venue(self) -> str:
        """The venue's name."""
        return VENUE

    def handle(self, request: WireRequest) -> WireAnswer:
        """Answer `request` by the venue's rules. Never raises for what a client sent."""
        now_ms = self._exchange.clock.now_ms()
        actions.run_schedules(self._exchange, self._memory, now_ms)
        twaps.run(self._exchange, self._memory, now_ms)
        if request.path not in {INFO, EXCHANGE}:
            return plain(404, f"Not Found. The paper exchange does not model {request.path}.")
        if request.method != "POST":
            return plain(405, "Method Not Allowed")
        try:
            fields = Fields.of(request)
            if request.path == INFO:
                return self._read(request, fields, now_ms)
            return self._act(request, fields, now_ms)
        except Unreadable:
            return plain(422, UNREADABLE, account=self.identify(request))

    def identify(self, request: WireRequest) -> str:
        """Return the account that is read or that the signature may act on, without checking limits."""
        try:
            fields = Fields.of(request)
            if request.path == INFO:
                return self._directory.account_at(fields.address("user")) or ""
            return self._door.admit(fields, self._door.sender(fields))
        except (Unreadable, Denied):
            return ""

    def is_protected(self, request: WireRequest) -> bool:  # noqa: ARG002 - the port's signature
        """Return False: the venue documents no exemption from its overload protection."""
        return False

    def failure(self, name: str, request: WireRequest) -> WireAnswer | None:
        """Return the venue's own answer for the failure `name`, or None where it has none of that name.

        Beside the names that every wire knows: `address_limited`, an account that has used up its requests.
        """
        account = self.identify(request)
        if name == "rate_limited":
            return too_many(account=account)
        if name == "address_limited":
            text = "Too many cumulative requests sent (10001 > 10000) for cumulative volume traded $0.00."
            return denied(text, account=account)
        found = _FAILURES.get(name)
        return None if found is None else plain(*found, account=account)

    def call_of(self, request: WireRequest) -> str:
        """Return the path with the type of the read or action behind it: `/info/clearinghouseState`."""
        try:
            fields = Fields.of(request)
            kind = fields if request.path == INFO else fields.inner("action")
            return f"{request.path}/{kind.text('type')}"
        except Unreadable:
            return request.path

    def connect(self, request: WireRequest, wake: Wake) -> StreamSession | WireAnswer:
        """Open a socket under `/ws`."""
        if not is_socket(request.path):
            return plain(404, "Not Found")

        def call(values: Mapping[str, object], now_ms: int) -> Call:
            return self._call(replace(request, received_ms=now_ms), Fields(dict(values)), now_ms, "")

        return HyperliquidSession(
            exchange=self._exchange,
            directory=self._directory,
            call=call,
            now_ms=request.received_ms,
            wake=wake,
        )

    def _read(self, request: WireRequest, fields: Fields, now_ms: int) -> WireAnswer:
        kind = fields.text("type")
        read = _READS.get(kind)
        if read is None:
            raise Unreadable
        account = self.identify(request)
        if not self._weights.take(request.address, limits.weight_of_read(kind), now_ms):
            return too_many(account=account)
        data = read(self._call(request, fields, now_ms, account))
        if kind in limits.ROWS_WEIGH and isinstance(data, list):
            self._weights.add(request.address, len(data) // limits.ROWS_A_WEIGHT, now_ms)
        return shown(data, account=account)

    def _act(self, request: WireRequest, fields: Fields, now_ms: int) -> WireAnswer:
        action = fields.inner("action")
        kind = action.text("type")
        carry_out = self._actions.get(kind)
        if carry_out is None:
            raise Unreadable
        batch = next((len(action.items(name)) for name in _BATCHES if action.has(name)), 1)
        if not self._weights.take(request.address, limits.weight_of_action(batch), now_ms):
            return too_many()
        account = ""
        try:
            signer = self._door.sender(fields)
            account = self._door.admit(fields, signer)
            is_late = fields.has("expiresAfter") and fields.whole("expiresAfter") < now_ms
            units = batch * (limits.EXPIRED_COST if is_late else 1)
            refusal = self._requests.take(account, units, now_ms, is_cancel=kind in _CANCELS)
            if refusal:
                return denied(refusal, account=account)
            if is_late:
                return denied(f"Action expired: expiresAfter {fields.whole('expiresAfter')}", account=account)
            self._door.spend_nonce(signer, fields.whole("nonce"), now_ms)
            return done(carry_out(self._call(request, fields, now_ms, account)), account=account)
        except Denied as refused:
            return denied(str(refused), account=account)

    def _call(self, request: WireRequest, fields: Fields, now_ms: int, account: str) -> Call:
        return Call(
            exchange=self._exchange,
            directory=self._directory,
            requests=self._requests,
            memory=self._memory,
            fields=fields,
            now_ms=now_ms,
            conditions=request.conditions,
            open_orders=self._open_orders,
            account=account,
        )


def build(exchange: Exchange, settings: Mapping[str, object]) -> HyperliquidWire:
    """Return a wire on `exchange`.

    Settings: `masters`, a table of sub-accounts and the accounts that they belong to; `testnet`; `weight`,
    what an IP address may spend in a minute; `requests`, what an account may send before it has traded;
    `open_orders`, with how many of them nothing that only reduces is taken;
    `oracle_band`, the relative distance from the mark beyond which an order that takes is refused.

    Raises:
        ValueError: a setting is unknown or of the wrong kind.
    """
    known = {"masters", "testnet", "weight", "requests", "open_orders", "oracle_band"}
    unknown = set(settings) - known
    if unknown:
        raise ValueError(
            f"Hyperliquid's wire knows no setting {min(unknown)}; it has {', '.join(sorted(known))}."
        )
    masters = settings.get("masters", {})
    if not isinstance(masters, Mapping):
        raise ValueError("The setting masters of Hyperliquid's wire must be a table of names.")  # noqa: TRY004 - a scenario's value is wrong
    return HyperliquidWire(
        exchange,
        masters={str(name): str(master) for name, master in masters.items()},
        is_testnet=bool(settings.get("testnet", False)),
        weight=_positive("weight", settings.get("weight", limits.WEIGHT)),
        requests=_positive("requests", settings.get("requests", limits.REQUESTS)),
        open_orders=_positive("open_orders", settings.get("open_orders", limits.OPEN_ORDERS)),
        oracle_band=_share("oracle_band", settings.get("oracle_band")),
    )


def _positive(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"The setting {name} of Hyperliquid's wire must be a whole number of at least 1.")
    return value


def _share(name: str, value: object) -> Decimal | None:
    if value is None:
        return None
    try:
        share = Decimal(str(value))
    except InvalidOperation:
        share = Decimal(0)
    if not share > 0:
        raise ValueError(f'The setting {name} of Hyperliquid\'s wire must be a share such as "0.1".')
    return share


PLUGIN = WirePlugin(venue=VENUE, rules=RULES, build=build)
