"""Wallet links: which wallets a Privy user owns, kept locally so that an exit needs no identity provider."""

import logging
from collections.abc import Sequence
from typing import Final

import apsw

from bastion.paper.strike.identity_store import IdentityStore, LinkRecord

_LOG: Final = logging.getLogger("bastion.paper.strike.identity")


class WalletLinks:
    """The local DID -> wallet table. The newest verified link of a wallet wins; the older one is closed."""

    def __init__(self, store: IdentityStore) -> None:
        self._store = store
        self._by_wallet: dict[str, LinkRecord] = {}
        self._by_subject: dict[str, dict[str, LinkRecord]] = {}
        for link in store.read_links():
            self._open(link)

    def wallets(self, subject: str) -> tuple[str, ...]:
        """The user's wallets, the one that trades by default first; empty when none is known."""
        own = self._by_subject.get(subject, {}).values()
        return tuple(link.wallet for link in sorted(own, key=lambda link: (link.place, link.wallet)))

    def learn(self, *, subject: str, wallets: Sequence[str], verified_at_s: int) -> None:
        """Take over what a verified identity token says: these wallets, and no other, belong to `subject`.

        `verified_at_s` is the token's issue time. Whatever a newer token said, about this user or about one
        of the wallets, stands. The same token costs nothing the second time.
        """
        known = self._by_subject.get(subject, {})
        newest_s = max((link.verified_at_s for link in known.values()), default=0)
        if newest_s > verified_at_s:
            return
        wanted = [
            LinkRecord(subject=subject, wallet=wallet, place=place, verified_at_s=verified_at_s)
            for place, wallet in enumerate(wallets)
            if not self._is_held_by_newer(wallet, subject, verified_at_s)
        ]
        if {link.wallet: link for link in wanted} == known:
            return
        closed = {*known, *(link.wallet for link in wanted if link.wallet in self._by_wallet)}
        for wallet in closed:
            link = self._by_wallet.pop(wallet)
            del self._by_subject[link.subject][wallet]
        for link in wanted:
            self._open(link)
        try:
            self._store.relink(closed=sorted(closed), opened=wanted, at_s=verified_at_s)
        except apsw.Error:
            # A full disk must not refuse an exit whose token is good; the next token is learnt again.
            _LOG.exception("wallet links could not be saved")

    def _is_held_by_newer(self, wallet: str, subject: str, verified_at_s: int) -> bool:
        link = self._by_wallet.get(wallet)
        return link is not None and link.subject != subject and link.verified_at_s >= verified_at_s

    def _open(self, link: LinkRecord) -> None:
        self._by_wallet[link.wallet] = link
        self._by_subject.setdefault(link.subject, {})[link.wallet] = link
