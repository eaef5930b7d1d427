"""Sentences: what a report says aloud, and what to do next."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from bastion.domain.mandate import ExitKind
from bastion.domain.money import ZERO, written
from bastion.domain.naming import interface_name
from bastion.domain.records import ExitRequested, Outcome
from bastion.domain.symbol import pair
from bastion.domain.verdict import ExitState, Verdict
from bastion.exits.part_words import told_verdict
from bastion.exits.progress import Leg, Progress
from bastion.exits.reopenings import reopenings
from bastion.exits.telling import ClosedPosition, ExitError, Residual, UnreadPart

NAMED_MAX = 4
"""How many things a sentence names before it counts the rest."""


def count(number: int, noun: str) -> str:
    """Return a count with its noun: `1 position`, `2 positions`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def covered_part(request: ExitRequested) -> str:
    """Return what an exit covers, in words; the empty text where it covers all that the desk has."""
    if request.kind in {ExitKind.WINNERS, ExitKind.PARTIAL}:
        names = sorted({f"{interface_name(target.instrument)} {target.side}" for target in request.targets})
        what = "the positions in profit" if request.kind is ExitKind.WINNERS else "the part to be closed"
        return f"{what} ({_listed(names)})"
    selection = request.selection
    if request.kind is ExitKind.EXIT and selection.everything:
        return ""
    words = [
        *sorted(selection.symbols),
        *sorted(side.value for side in selection.sides),
        *sorted(selection.venues),
        *sorted(selection.accounts),
    ]
    left_out = sorted(selection.except_symbols | selection.except_accounts)
    said = _listed(words) if words else "all"
    if left_out:
        said += f" but {_listed(left_out)}"
    return f"the working orders ({said})" if request.kind is ExitKind.HALT else f"the selected part ({said})"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED_MAX
    return ", ".join(names[:NAMED_MAX]) + (f" and {more} more" if more > 0 else "")


def summary(
    *,
    verdict: Verdict | None,
    state: ExitState,
    exit_id: str,
    venues: Iterable[str],
    closed: Sequence[ClosedPosition],
    seen: int,
    cancelled: int,
    total: Decimal,
    pending: bool,
    residual: Sequence[Residual],
    unread: Sequence[UnreadPart],
    errors: Sequence[ExitError],
    elapsed_s: Decimal,
    part: str,
    kind: ExitKind = ExitKind.EXIT,
) -> str:
    """Return one or two sentences that can be read aloud; the verdict is their first word.

    `part` names what was selected; the empty text means everything. A partial close says REDUCED, and the
    closing of what is in profit CLOSED: "flat" would be read as more than what was proven.
    """
    reduces = kind is ExitKind.PARTIAL
    on = f" on {part}" if part else ""
    if verdict is None:
        return (
            f"EXITING{on}: {len(closed)} of {count(seen, 'position')} closed after {elapsed_s:.1f} s; "
            f"ask for the status of {exit_id}."
        )
    done = _done(
        closed,
        tuple(venues),
        cancelled=cancelled,
        total=total,
        pending=pending,
        blind=not verdict.success,
        deed="reduced" if reduces else "closed",
    )
    if verdict.success:
        dust = [row for row in residual if row.kind == "dust"]
        small = f"; below the venue's minimum and left: {_names(dust)}" if dust else ""
        calm = ", no errors" if not errors and closed else ""
        word = told_verdict(kind, verdict).value.replace("_", " ")
        return f"{word} in {elapsed_s:.2f} s{on}: {done}{calm}{small}."
    more = " It goes on." if state is ExitState.EXITING else ""
    if verdict is Verdict.NOT_FLAT:
        left = [row for row in residual if row.kind in {"position", "not_closed_by_bastion"}]
        if left:
            foreign = sum(row.kind == "not_closed_by_bastion" for row in left)
            head = f"{len(left)} of {count(max(seen + foreign, len(left)), 'position')} {_remain(len(left))}"
        else:
            left = [row for row in residual if row.kind == "order"]
            head = f"{count(len(left), 'order')} {_remain(len(left))}"
        blind = f" Also, {_parts(unread)}." if unread else ""
        word = told_verdict(kind, verdict).value.replace("_", " ")
        return f"{word} after {elapsed_s:.1f} s{on}: {head}: {_names(left)}; {done}.{blind}{more}"
    return f"UNKNOWN after {elapsed_s:.1f} s{on}: {_parts(unread)}; {done}.{more}"


def next_step(
    *,
    verdict: Verdict | None,
    state: ExitState,
    exit_id: str,
    request: ExitRequested,
    residual: Sequence[Residual],
    legs: Sequence[Leg],
) -> str | None:
    """Return what a person should do now; None when nothing is to be done.

    Nobody is led from a part that was asked for to the exit of everything.
    """
    if verdict is None:
        return f"The exit is running. Ask for the status of {exit_id} again in a few seconds."
    if verdict.success:
        return None
    again = "bastion keeps trying; ask for the status again"
    if state is not ExitState.EXITING:
        whole = request.kind is ExitKind.EXIT and request.selection.everything
        again = (
            "then run `bastion exit` again to prove flat"
            if whole
            else "then look with `bastion positions`, and ask for the same part again"
        )
    if verdict is Verdict.NOT_FLAT:
        left = [row for row in residual if row.kind != "dust"]
        places = _places(left, legs)
        where = f" at {', '.join(places)}" if places else " at the venue"
        return f"Close by hand{where}: {_names(left)}; {again}."
    blind = [leg for leg in legs if leg.judged is not None and leg.judged.unread]
    where = ", ".join(
        f"{leg.account.venue} ({leg.account.name}){' at ' + leg.link if leg.link else ''}" for leg in blind
    )
    return f"Look by hand what is open on {where}; {again}."


def warnings(state: Progress) -> tuple[str, ...]:
    """Return what went otherwise than planned, in words, without repetition."""
    told: list[str] = []
    if state.spooled:
        told.append(
            f"The journal did not take {count(state.spooled, 'record')} in time; the spool keeps them, or, "
            "where no file could be written, this process and its standard error."
        )
    if state.runs > 1:
        told.append(f"The exit was taken up again {count(state.runs - 1, 'time')}.")
    for leg in state.legs.values():
        name = f"{leg.account.venue} ({leg.account.name})"
        told.extend(f"{name}: {line}" for line in _refusals(leg))
        told.extend(f"{name}: {why}." for why in leg.whys)
        told.extend(f"{name}: {note}." for note in (leg.look.notes if leg.look is not None else ()))
        told.extend(f"{name}: {row.said}" for row in reopenings(leg))
        told.extend(
            f"{name}: {trouble.part} failed on the way: {trouble.message or trouble.code}."
            for trouble in leg.troubles
        )
    return tuple(dict.fromkeys(told))


CLOSERS = {
    "liquidation": "by liquidation",
    "adl": "by auto-deleveraging",
    "stop": "by a stop that stood there",
    "other_order": "by an order that is not of this exit",
}


def by_others(row: ClosedPosition) -> str:
    """Return who else closed how much of a position, in brackets; the empty text where nobody did."""
    told = [f"{written(part.quantity)} {CLOSERS[part.who]}" for part in row.closed_by if part.who in CLOSERS]
    return f" ({', '.join(told)})" if told else ""


def not_ours(closed: Iterable[ClosedPosition]) -> tuple[str, ...]:
    """Return a sentence for each position that others closed wholly or in part, by the venue's fills."""
    return tuple(
        f"{row.exchange} ({row.account}): {row.symbol} {row.direction.value}: not by bastion"
        f"{by_others(row)}; the PnL told is that of all fills."
        for row in closed
        if by_others(row)
    )


def _taken(closed: Sequence[ClosedPosition]) -> str:
    found = {
        words: sum(any(part.who == who for part in row.closed_by) for row in closed)
        for who, words in CLOSERS.items()
    }
    told = [f"{number} {words}" for words, number in found.items() if number]
    return f", wholly or in part: {', '.join(told)}" if told else ""


def _done(
    closed: Sequence[ClosedPosition],
    venues: Sequence[str],
    *,
    cancelled: int,
    total: Decimal,
    pending: bool,
    blind: bool,
    deed: str,
) -> str:
    orders = f", {count(cancelled, 'order')} cancelled" if cancelled else ""
    if not closed:
        # Only a proof of flat allows the words that nothing was open.
        what = f"no position was {deed}" if cancelled or blind else "nothing was open"
        return f"{what} on {count(len(venues), 'venue')}{orders}"
    places = dict.fromkeys(row.exchange for row in closed)
    waiting = " so far (the venue still owes fills)" if pending else ""
    given_up = sum(row.how == "refunded" for row in closed)
    refunds = f", {given_up} of them refunded for the margin" if given_up else ""
    amount = total.quantize(Decimal("0.01")) + ZERO
    return (
        f"{count(len(closed), 'position')} {deed} on {count(len(places), 'venue')}{orders}, "
        f"realized {amount:,.2f} USD{waiting}{refunds}{_taken(closed)}"
    )


def _remain(number: int) -> str:
    return "remains" if number == 1 else "remain"


def _places(left: Sequence[Residual], legs: Sequence[Leg]) -> Iterable[str]:
    """Return each named contract's page; the accounts' pages where the sentence only counts some."""
    pages = dict.fromkeys(row.link for row in left if row.link)
    if len(pages) <= NAMED_MAX:
        return pages
    accounts = {(row.exchange, row.account) for row in left}
    return dict.fromkeys(
        leg.link for leg in legs if leg.link and (leg.account.venue, leg.account.name) in accounts
    )


def _names(rows: Sequence[Residual]) -> str:
    named = [
        f"{row.symbol} {row.direction} {row.quantity.normalize():f} on {row.exchange} ({row.reason})"
        for row in rows[:NAMED_MAX]
    ]
    more = len(rows) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _parts(unread: Sequence[UnreadPart]) -> str:
    named = [f"{row.exchange} could not be read ({row.part})" for row in unread[:NAMED_MAX]]
    more = len(unread) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _refusals(leg: Leg) -> list[str]:
    # Each refusal once with its count, and each position that took more than one round.
    refused: dict[tuple[str, str], int] = {}
    rounds: dict[str, set[int]] = {}
    for order in leg.sent.values():
        rounds.setdefault(pair(order.request.position.symbol), set()).add(order.round)
        answer = order.answer
        if answer is not None and answer.outcome is not Outcome.ANSWERED:
            key = (answer.outcome.value.replace("_", " "), answer.message or answer.code or "no reason given")
            refused[key] = refused.get(key, 0) + 1
    lines = [f"{count(times, 'order')} {word}: {message}." for (word, message), times in refused.items()]
    lines.extend(
        f"{symbol} took {len(numbers)} rounds of orders."
        for symbol, numbers in rounds.items()
        if len(numbers) > 1
    )
    return lines


def words_of(message: str) -> str:
    """Return what a message says beside its numbers, by which two of one countdown are alike."""
    return "".join(letter for letter in message if not letter.isdigit())
