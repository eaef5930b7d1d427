"""Rows: the fault menu, one scenario a row, each with what it does at the edge."""

from collections.abc import Callable

from bastion.gauntlet import answers, market
from bastion.gauntlet.draw import Draw
from bastion.gauntlet.stage import Stage, document_of, opening
from bastion.gauntlet.tongue import TONGUES, VENUES
from bastion.shape import dataclass

Build = Callable[[Draw], Stage]

_HEDGING = tuple(venue for venue in VENUES if TONGUES[venue].has_hedge_mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One scenario: its name, what happens in it, at which venues it can, and how it is built."""

    name: str
    told: str
    build: Build
    venues: tuple[str, ...] = VENUES

    def stage(self, venue: str, *, seed: int) -> Stage:
        """Return the stage at a venue, its figures drawn from the seed."""
        return self.build(Draw(seed=seed, scenario=self.name, venue=venue))

    def document(self, venue: str, *, seed: int) -> dict[str, object]:
        """Return the scenario for the paper exchange."""
        return document_of(self.stage(venue, seed=seed), name=self.name, seed=seed)


ROWS: tuple[Row, ...] = (
    Row(
        name="calm",
        told="Nothing goes wrong: three positions and one order that would open.",
        build=opening,
    ),
    Row(
        name="waiting-stops",
        told="Stops wait at the venue, some of which list them apart from other orders.",
        build=market.waiting_stops,
    ),
    Row(
        name="full-take-profit",
        told="A resting reduce-only order holds the whole size of a position.",
        build=market.full_take_profit,
    ),
    Row(
        name="failed-5xx",
        told="Two orders are answered by 503; they were not carried out.",
        build=answers.failed,
    ),
    Row(
        name="done-5xx",
        told="Two orders are answered by an error that leaves their outcome open; they were carried out.",
        build=answers.failed_though_done,
    ),
    Row(
        name="timeout-before",
        told="One order gets no answer; it was not carried out.",
        build=answers.lost,
    ),
    Row(
        name="timeout-after",
        told="One order gets no answer; it was carried out.",
        build=answers.lost_though_done,
    ),
    Row(
        name="reset-before",
        told="The connection is reset under one order; it was not carried out.",
        build=answers.reset,
    ),
    Row(
        name="reset-after",
        told="The connection is reset under one order; it was carried out.",
        build=answers.reset_though_done,
    ),
    Row(
        name="broken-answer",
        told="The answers to two orders break off in the middle; they were carried out.",
        build=answers.broken_order_answer,
    ),
    Row(
        name="broken-positions",
        told="The first two lists of positions are JSON that breaks off.",
        build=answers.broken_positions,
    ),
    Row(
        name="web-page",
        told="The first two lists of positions are a web page with status 200.",
        build=answers.web_page,
    ),
    Row(
        name="empty-once",
        told="The first list of positions is empty, though three are open.",
        build=answers.empty_once,
    ),
    Row(
        name="empty-twice",
        told="The first two lists of positions are empty, though three are open.",
        build=answers.empty_twice,
    ),
    Row(
        name="stale-positions",
        told="Reads show the state of two seconds ago.",
        build=answers.stale,
    ),
    Row(
        name="rate-limited",
        told="Three orders are answered by the venue's rate limit.",
        build=answers.rate_limited,
    ),
    Row(
        name="banned",
        told="In the middle, the address is banned with 418 for four seconds, as Retry-After says.",
        build=answers.banned,
        venues=("binance",),
    ),
    Row(
        name="shut-out",
        told="In the middle, the venue shuts the address or the key out, for good.",
        build=answers.shut_out,
        venues=tuple(venue for venue in VENUES if venue != "binance"),
    ),
    Row(
        name="maintenance",
        told="In the middle, everything is answered by 503 for four seconds.",
        build=answers.maintenance,
    ),
    Row(
        name="slow",
        told="Every request takes one and a half to two seconds.",
        build=answers.slow,
    ),
    Row(
        name="late-order",
        told="One order is under way for twelve seconds before the venue sees it.",
        build=answers.late_order,
    ),
    Row(
        name="clock-ahead",
        told="The venue's clock is eight seconds ahead.",
        build=answers.clock_ahead,
    ),
    Row(
        name="clock-behind",
        told="The venue's clock is eight seconds behind.",
        build=answers.clock_behind,
    ),
    Row(
        name="dead-venue",
        told="Two venues; one of them answers nothing.",
        build=answers.dead_venue,
    ),
    Row(
        name="partial-fills",
        told="Three orders fill by two fifths; their rest ends.",
        build=market.partial_fills,
    ),
    Row(
        name="price-band",
        told="For three seconds the best price lies beyond what a market order may take.",
        build=market.price_band,
    ),
    Row(
        name="no-book",
        told="Nobody is left who would trade one of the positions.",
        build=market.no_book,
    ),
    Row(
        name="thin-book",
        told="The book holds a third of a position, and is refilled every 300 ms.",
        build=market.thin_book,
    ),
    Row(
        name="oversize",
        told="A position is larger than the largest market order.",
        build=market.oversize,
    ),
    Row(
        name="dust",
        told="What one order leaves is smaller than the least order.",
        build=market.dust,
        # Hyperliquid closes a whole position of any size.
        venues=tuple(venue for venue in VENUES if venue != "hyperliquid"),
    ),
    Row(
        name="hedge-mode",
        told="Hedge mode, both legs of one symbol open.",
        build=market.hedge_mode,
        venues=_HEDGING,
    ),
    Row(
        name="stop-fires",
        told="As the first order arrives, the price falls through a stop that closes a position.",
        build=market.stop_fires,
    ),
    Row(
        name="deleveraged",
        told="As the first order arrives, the venue deleverages half of a position.",
        build=market.deleveraged,
    ),
    Row(
        name="liquidated",
        told="As the first order arrives, the venue liquidates a position.",
        build=market.liquidated,
    ),
    Row(
        name="bot-reopens",
        told="As the first order is carried out, another bot opens a position again.",
        build=market.bot_reopens,
    ),
)
BY_NAME = {row.name: row for row in ROWS}
