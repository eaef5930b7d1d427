"""Work: one command's hands on the venue: it changes the writer's image and notes the same in the draft."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bastion.paper.strike.draft import Draft, MarketRow, Movement, StoredAnswer, VenueRow
from bastion.paper.strike.image import Image
from bastion.paper.strike.ledger import TREASURY, Code, Kind, TransferRow, account_id
from bastion.paper.strike.position import Position, Status
from bastion.paper.strike.queue import Claim, payable
from bastion.paper.strike.settings import Gates, VenueSettings

_OPEN: Final = Status.OPEN


class Work:
    """The venue during one batch. `now_us` is set anew for each command."""

    __slots__ = ("_leg", "draft", "event_id", "gated", "image", "now_us", "settings")

    def __init__(self, image: Image, settings: VenueSettings) -> None:
        self.image = image
        self.settings = settings
        self.gated = settings.gates != Gates()
        self.draft = Draft()
        self.now_us = 0
        self.event_id = 0
        self._leg = 0

    def begin(self) -> int:
        """Start an event that will change the venue; every refusal comes before this."""
        image = self.image
        event_last, suspended = image.venue
        self.event_id = event_id = event_last + 1
        self._leg = 0
        # Here and below: a named tuple's own constructor is a Python function and costs twice as much.
        image.venue = self.draft.venue = tuple.__new__(VenueRow, (event_id, suspended))
        return event_id

    def _set_venue(self, row: VenueRow) -> None:
        self.image.venue = row
        self.draft.venue = row

    def account(self, wallet: str, kind: Kind) -> int:
        """Name a known wallet's account."""
        return account_id(self.image.wallets[wallet], kind)

    def admit(self, wallet: str) -> None:
        """Give a new wallet its accounts."""
        image = self.image
        if wallet not in image.wallets:
            number = len(image.wallets) + 1
            image.put_wallet(number, wallet)
            self.draft.wallets.append((number, wallet))

    def post(self, code: Code, debit: int, credit: int, amount: int, position_id: int | None = None) -> None:
        """Move `amount` micro-USD; nothing is written for zero."""
        if not amount:
            return
        image, draft = self.image, self.draft
        image.transfer_last = number = image.transfer_last + 1
        self._leg = leg = self._leg + 1
        row = (number, self.event_id, leg, int(code), debit, credit, amount, position_id, self.now_us)
        draft.transfers.append(row)
        image.debits[debit] += amount
        image.credits[credit] += amount
        debits, credits_ = draft.debits, draft.credits
        debits[debit] = debits.get(debit, 0) + amount
        credits_[credit] = credits_.get(credit, 0) + amount

    def put(self, position: Position) -> None:
        """Add or replace a position."""
        image, draft, number = self.image, self.draft, position.id
        if number not in draft.before:
            old = image.positions.get(number)
            draft.before[number] = None if old is None else old.status
        draft.positions[number] = position
        image.put_position(position)

    def exit(self, position: Position, forgiven: int) -> None:
        """End an open position by an exit: as `put`, without looking for what was found open just now."""
        ended = position.exited(at_us=self.now_us, forgiven=forgiven)
        draft, number = self.draft, position.id
        draft.before.setdefault(number, _OPEN)
        draft.positions[number] = ended
        self.image.put_exits((ended,))

    def take_run(
        self,
        event_id: int,
        transfers: Sequence[TransferRow],
        ended: Sequence[Position],
        debits: Mapping[int, int],
        credits_: Mapping[int, int],
    ) -> None:
        """Take the exits of a run over: one event and one transfer each, the last event being `event_id`."""
        image, draft = self.image, self.draft
        self._set_venue(image.venue._replace(event_last=event_id))
        image.transfer_last = transfers[-1][0]
        draft.transfers += transfers
        for moved, of_draft, of_image in (
            (debits, draft.debits, image.debits),
            (credits_, draft.credits, image.credits),
        ):
            for account, amount in moved.items():
                of_draft[account] = of_draft.get(account, 0) + amount
                of_image[account] += amount
        by_id = {position[0]: position for position in ended}
        draft.positions.update(by_id)
        before: dict[int, Status | None] = dict.fromkeys(by_id, _OPEN)
        draft.before = before | draft.before
        image.put_exits(ended)

    def change(self, position: Position, **changes: Any) -> Position:  # noqa: ANN401 - fields of Position
        """Replace some fields of a position."""
        changed = position._replace(**changes)
        self.put(changed)
        return changed

    def set_market(self, row: MarketRow) -> None:
        """Replace a market's state."""
        self.image.markets[row.symbol] = row
        self.draft.markets[row.symbol] = row

    def suspend_withdrawals(self, *, suspended: bool) -> None:
        """Set the switch for withdrawals."""
        self._set_venue(self.image.venue._replace(withdrawals_suspended=suspended))

    def remember(self, answer: StoredAnswer) -> None:
        """Keep the answer to an Idempotency-Key."""
        self.image.put_answer(answer)
        self.draft.answers.append(answer)

    def record(self, movement: Movement) -> None:
        """Keep a chain transaction."""
        self.image.put_movement(movement)
        self.draft.movements.append(movement)

    def enqueue(self, position: Position, need: int) -> None:
        """Put a winner at the end of the queue."""
        image = self.image
        claim = Claim(
            image.claim_last + 1,
            position.id,
            position.wallet,
            position.symbol,
            need,
            position.margin,
            self.now_us,
        )
        image.put_claim(claim)
        self.draft.claims.append(claim)

    def drain(self) -> None:
        """Pay the queue from the treasury as far as it reaches; called after every inflow."""
        for claim in payable(self.image.lanes, self.image.balance(TREASURY)):
            available = self.account(claim.wallet, Kind.AVAILABLE)
            queued = self.account(claim.wallet, Kind.QUEUED)
            self.post(Code.UNQUEUE, queued, available, claim.margin, claim.position_id)
            self.post(Code.PROFIT, TREASURY, available, claim.need, claim.position_id)
            self.image.drop_claim(claim.seq)
            self.draft.paid.append((claim.seq, self.now_us))
            position = self.image.positions[claim.position_id]
            self.change(position, status=Status.SETTLED, settled_at_us=self.now_us)
