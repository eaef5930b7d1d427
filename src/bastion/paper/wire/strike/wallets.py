"""Wallets: the public reads of one wallet, and the two records of moved money."""

import asyncio
from typing import Final

from bastion.paper.strike.commands import Deposit, Withdraw
from bastion.paper.strike.money import margin_text, usd_text
from bastion.paper.strike.views import QueueView
from bastion.paper.wire.strike.answers import Answer, Refusal, answer
from bastion.paper.wire.strike.call import Call, Counter
from bastion.paper.wire.strike.chain import Transfer
from bastion.paper.wire.strike.fields import bad
from bastion.paper.wire.strike.shapes import (
    active_item,
    movement_item,
    number,
    position_item,
    queue_entry,
)

CHAIN_DEADLINE_S: Final = 10


async def positions(counter: Counter, call: Call) -> Answer:
    """All public positions of a wallet."""
    view = counter.venue.positions(call.path_wallet())
    return answer(
        {
            "open": [position_item(item) for item in view.open],
            "closed": [position_item(item) for item in view.closed],
            "settled": [position_item(item) for item in view.settled],
        }
    )


async def queue_positions(counter: Counter, call: Call) -> Answer:
    """A wallet's places in the payout queue."""
    claims = counter.venue.queue(call.path_wallet())
    if not claims:
        raise Refusal(404, "No positions in payout queue for this wallet")
    return answer(
        {
            "queuePositions": {str(claim.position_id): usd_text(claim.ahead) for claim in claims},
            "entries": {str(claim.position_id): queue_entry(claim) for claim in claims},
        }
    )


async def account(counter: Counter, call: Call) -> Answer:
    """A wallet's balances and movements."""
    view = counter.venue.account(call.path_wallet())
    return answer(
        {
            "balances": {
                "withdrawable": usd_text(view.withdrawable),
                "total": usd_text(view.total),
                "reserved": usd_text(view.reserved),
            },
            "deposits": [movement_item(movement) for movement in view.deposits],
            "withdrawals": [movement_item(movement) for movement in view.withdrawals],
        }
    )


async def balances(counter: Counter, call: Call) -> Answer:
    """A wallet's money against its history."""
    view = counter.venue.balances(call.path_wallet())
    return answer(
        {
            "balance": usd_text(view.balance),
            "withdrawable": usd_text(view.withdrawable),
            "totalDeposited": usd_text(view.total_deposited),
            "totalWithdrawn": usd_text(view.total_withdrawn),
        }
    )


async def dashboard(counter: Counter, call: Call) -> Answer:
    """A wallet at a glance."""
    view = counter.venue.dashboard(call.path_wallet())
    if view is None:
        raise Refusal(404, "No activity for this wallet")

    def waiting(claim: QueueView) -> dict[str, object]:
        return {"queue_position_usd": number(claim.ahead)}

    return answer(
        {
            "withdrawable": number(view.withdrawable),
            "active": [active_item(item) for item in view.active],
            "pending_payout": [
                {**position_item(item), **waiting(claim)} for item, claim in view.pending_payout
            ],
            "history": [position_item(item) for item in view.history],
            "points": 0,
        }
    )


async def deposit(counter: Counter, call: Call) -> Answer:
    """Record a deposit that the chain confirms."""
    transfer, block_number = await _confirmed(counter, call)
    result = await counter.submit(
        Deposit(
            wallet=transfer.wallet,
            amount=transfer.amount,
            tx_hash=transfer.tx_hash,
            stated_at_us=call.body.integer("timestamp"),
        )
    )
    return answer(
        {
            "success": True,
            "message": "Deposit verified and recorded successfully",
            "amount": margin_text(result.amount),
            "txHash": result.tx_hash,
            "verified": True,
            "block_number": block_number,
        }
    )


async def withdraw(counter: Counter, call: Call) -> Answer:
    """Record a withdrawal from one of the caller's wallets."""
    if call.body.text("walletAddress") not in call.caller.wallets:
        raise Refusal(403, "Wallet does not belong to authenticated wallet")
    transfer, _ = await _confirmed(counter, call)
    await counter.submit(
        Withdraw(
            wallet=transfer.wallet,
            amount=transfer.amount,
            tx_hash=transfer.tx_hash,
            stated_at_us=call.body.integer("timestamp"),
        )
    )
    return answer({"success": True, "message": "Withdrawal verified and recorded successfully"})


async def _confirmed(counter: Counter, call: Call) -> tuple[Transfer, int]:
    transfer = Transfer(
        wallet=call.body.text("walletAddress"),
        amount=call.body.integer("amount"),
        tx_hash=call.body.text("txHash"),
    )
    try:
        async with asyncio.timeout(CHAIN_DEADLINE_S):
            block_number = await counter.chain.block_of(transfer)
    except TimeoutError:
        block_number = None
    if block_number is None:
        bad("Transaction could not be verified on chain")
    return transfer, block_number
