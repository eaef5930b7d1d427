"""Keys: minted, hashed, checked, expired and revoked."""

import hashlib
import itertools
import os
from pathlib import Path

import pytest

from bastion.auth.keys import DAY_MS, Keys, parse_scope, require
from bastion.domain.principal import Principal, Scope
from bastion.errors import KeyRefused, Refused, ScopeDenied
from bastion.storage.keys import SqliteKeyStore


class SteppingClock:
    """A clock that a test sets by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000_000_000_000

    def now_ns(self) -> int:
        return self.now

    def monotonic_ns(self) -> int:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1e9)


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
def keys(tmp_path: Path, clock: SteppingClock) -> Keys:
    return Keys(store=SqliteKeyStore(tmp_path / "keys.sqlite"), clock=clock, entropy=os.urandom)


def test_a_new_key_authenticates_with_its_scope(keys: Keys) -> None:
    new = keys.create(scope=Scope.TRADE, label="bot")
    principal = keys.authenticate(new.text, surface="mcp")
    assert principal == Principal(id=new.record.id, surface="mcp", scope=Scope.TRADE)
    assert new.text.startswith("bst_")


def test_a_key_holds_at_least_160_random_bits(tmp_path: Path, clock: SteppingClock) -> None:
    asked: list[int] = []

    def entropy(size: int) -> bytes:
        asked.append(size)
        return os.urandom(size)

    Keys(store=SqliteKeyStore(tmp_path / "k"), clock=clock, entropy=entropy).create(scope=Scope.READ)
    assert max(asked) * 8 >= 160


def test_only_the_hash_reaches_the_disk(keys: Keys, tmp_path: Path) -> None:
    new = keys.create(scope=Scope.ENGINE)
    assert new.record.digest == hashlib.sha256(new.text.encode()).hexdigest()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert new.text.encode() not in stored
    assert new.text[4:].encode() not in stored
    assert new.record.digest.encode() in stored
    assert new.text not in repr(new)


def test_the_store_is_readable_by_its_owner_only(keys: Keys, tmp_path: Path) -> None:
    keys.create(scope=Scope.READ)
    assert (tmp_path / "keys.sqlite").stat().st_mode & 0o077 == 0


def test_an_environment_segment_after_the_prefix_is_tolerated(keys: Keys) -> None:
    new = keys.create(scope=Scope.READ)
    with_segment = new.text.replace("bst_", "bst_live_", 1)
    assert keys.authenticate(with_segment, surface="mcp").id == new.record.id


@pytest.mark.parametrize("text", [None, "", "  "])
def test_a_missing_key_is_told_how_to_get_one(keys: Keys, text: str | None) -> None:
    with pytest.raises(KeyRefused, match="required"):
        keys.authenticate(text, surface="mcp")


def test_the_other_documented_prefix_is_told_the_form_in_use(keys: Keys) -> None:
    with pytest.raises(KeyRefused, match="bst_"):
        keys.authenticate("sk-bast-abcdef", surface="mcp")


@pytest.mark.parametrize(
    "text", ["hello", "bst_", "bst_short", "bst_" + "a" * 41, "bst_" + "A" * 40, "bst_\u00e9" * 9]
)
def test_a_malformed_key_is_named_malformed(keys: Keys, text: str) -> None:
    with pytest.raises(KeyRefused, match="not a bastion key"):
        keys.authenticate(text, surface="mcp")


def test_an_unknown_a_revoked_and_an_expired_key_are_told_apart(keys: Keys, clock: SteppingClock) -> None:
    revoked, expiring = keys.create(scope=Scope.READ), keys.create(scope=Scope.READ, days=30)
    keys.revoke(revoked.record.id)
    with pytest.raises(KeyRefused, match="not known"):
        keys.authenticate("bst_" + "a" * 40, surface="mcp")
    with pytest.raises(KeyRefused, match="revoked"):
        keys.authenticate(revoked.text, surface="mcp")
    clock.now += 30 * DAY_MS * 1_000_000 - 1_000_000
    keys.authenticate(expiring.text, surface="mcp")
    clock.now += 1_000_000
    with pytest.raises(KeyRefused, match="expired"):
        keys.authenticate(expiring.text, surface="mcp")


def test_a_revocation_by_another_process_acts_at_the_next_check(
    keys: Keys, tmp_path: Path, clock: SteppingClock
) -> None:
    new = keys.create(scope=Scope.TRADE)
    keys.authenticate(new.text, surface="mcp")
    elsewhere = Keys(store=SqliteKeyStore(tmp_path / "keys.sqlite"), clock=clock, entropy=os.urandom)
    elsewhere.revoke(new.record.id)
    with pytest.raises(KeyRefused, match="revoked"):
        keys.authenticate(new.text, surface="mcp")


def test_a_key_store_that_was_removed_forgets_its_keys_at_once(keys: Keys, tmp_path: Path) -> None:
    new = keys.create(scope=Scope.TRADE)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(KeyRefused, match="not known"):
        keys.authenticate(new.text, surface="mcp")


def test_an_error_never_repeats_the_key(keys: Keys) -> None:
    unknown = "bst_" + "q" * 40
    with pytest.raises(KeyRefused) as caught:
        keys.authenticate(unknown, surface="mcp")
    assert "qqqq" not in str(caught.value)


def test_a_higher_scope_contains_the_lower_ones_and_a_weaker_one_names_what_it_lacks() -> None:
    for held, needed in itertools.product(Scope, Scope):
        principal = Principal(id="k", surface="mcp", scope=held)
        if held >= needed:
            require(principal, needed, action="This")
        else:
            with pytest.raises(ScopeDenied, match=f"--scope {needed.word}"):
                require(principal, needed, action="This")


def test_bad_values_store_nothing(keys: Keys) -> None:
    for bad in ({"days": 0}, {"days": 4000}, {"label": "x" * 81}, {"label": "a\nb"}):
        with pytest.raises(Refused):
            keys.create(scope=Scope.READ, **bad)
    with pytest.raises(Refused, match="read, trade and engine"):
        parse_scope("admin")
    with pytest.raises(Refused, match="no key"):
        keys.revoke("k404")
    assert keys.records() == ()


def test_the_first_revocation_keeps_its_time(keys: Keys, clock: SteppingClock) -> None:
    new = keys.create(scope=Scope.READ)
    keys.revoke(new.record.id)
    first = keys.records()[0].revoked_ms
    clock.now += 10**12
    keys.revoke(new.record.id)
    assert keys.records()[0].revoked_ms == first
