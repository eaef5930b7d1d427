"""Events: what the world does by itself while a request is under way: prices, depth, orders, closes."""

from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.book import DepthShape
from bastion.paper.document import Document, DocumentError
from bastion.paper.order import OrderRequest
from bastion.paper.scenario import ForcedClose, parse_forced, parse_order, parse_shape
from bastion.paper.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happens at one venue; each where it is given.

    A mark price, a depth, an order of `account`, a liquidation or auto-deleveraging.
    """

    venue: str
    price: tuple[str, Decimal] | None = None
    depth: tuple[str, DepthShape] | None = None
    account: str = "main"
    order: OrderRequest | None = None
    forced: ForcedClose | None = None


def parse_event(document: Document, *, venue: str) -> Event:
    """Return the event that a fault rule describes, at `venue` unless it names another.

    Raises:
        DocumentError: it names no venue, or nothing that happens.
    """
    where = document.text("venue", venue)
    account = document.text("account", "main")
    price = depth = order = None
    if "price" in document:
        table = document.table("price")
        price = (table.text("symbol"), table.decimal("price"))
        table.finish()
        if price[1] <= 0:
            raise DocumentError(f"{table.where}.price must be above zero.")
    if "depth" in document:
        table = document.table("depth")
        depth = (table.text("symbol"), parse_shape(table))
        table.finish()
    if "order" in document:
        order = parse_order(document.table("order"))
    forced = parse_forced(document.table("forced").over({"venue": where})) if "forced" in document else None
    document.finish()
    if not where or (price is None and depth is None and order is None and forced is None):
        raise DocumentError(f"{document.where} needs a venue, and a price, a depth, an order or forced.")
    return Event(venue=where, price=price, depth=depth, account=account, order=order, forced=forced)


def apply(event: Event, world: World) -> None:
    """Let the event happen: first the depth, then the price, the order, and what the venue closes.

    Raises:
        DocumentError: there is no such venue or account.
        Refused: the exchange refuses it, or knows no such symbol.
    """
    exchange = world.exchange(event.venue)
    if event.depth is not None:
        exchange.instrument(event.depth[0])
        exchange.set_depth(*event.depth)
    if event.price is not None:
        exchange.instrument(event.price[0])
        exchange.set_mark(*event.price)
    if event.order is not None:
        if event.account not in exchange.account_names():
            raise DocumentError(f"There is no account {event.account} at {event.venue}.")
        exchange.place(event.account, event.order)
    if event.forced is not None:
        world.force(event.forced)
