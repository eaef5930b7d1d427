"""Events: what the world does by itself while a request is under way: prices, depth, another bot's order."""

from dataclasses import dataclass
from decimal import Decimal

from bastion.paper.book import DepthShape
from bastion.paper.document import Document, DocumentError
from bastion.paper.order import OrderRequest
from bastion.paper.scenario import parse_order, parse_shape
from bastion.paper.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happens at one venue: a mark price, a depth, an order of `account`; each where it is given."""

    venue: str
    price: tuple[str, Decimal] | None = None
    depth: tuple[str, DepthShape] | None = None
    account: str = "main"
    order: OrderRequest | None = None


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
    document.finish()
    if not where or (price is None and depth is None and order is None):
        raise DocumentError(f"{document.where} needs a venue, and a price, a depth or an order.")
    return Event(venue=where, price=price, depth=depth, account=account, order=order)


def apply(event: Event, world: World) -> None:
    """Let the event happen: first the depth, then the price, then the order.

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
