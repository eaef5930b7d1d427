"""Keys: minted, hashed, checked, expired and revoked."""

import hashlib
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import apsw
import pytest

from bastion.auth.keys import DAY_MS, Keys, NewKey, parse_scope
from bastion.domain.principal import KeyUse, Principal, Scope, Tier
from bastion.errors import ConfigInvalid, KeyRefused, Refused
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
    assert principal == Principal(id=new.record.id, surface="mcp", scope=Scope.TRADE, tier=Tier.PRO)
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


def test_bad_values_store_nothing(keys: Keys) -> None:
    for bad in (
        {"days": 0},
        {"days": 4000},
        {"label": "x" * 81},
        {"label": "a\nb"},
        {"accounts": ()},
        {"accounts": ("a", "")},
        {"accounts": ("a\nb",)},
        {"only_stops": True},
        {"notional_cap_usd": Decimal(0)},
        {"notional_cap_usd": Decimal("NaN")},
        {"notional_cap_usd": Decimal("1e13")},
    ):
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


def bounded(keys: Keys) -> NewKey:
    return keys.create(
        scope=Scope.ENGINE,
        label="night watch",
        days=90,
        accounts=("mine", "ours"),
        only_stops=True,
        notional_cap_usd=Decimal("2500.50"),
        tier=Tier.BASIC,
    )


def test_a_key_carries_its_bounds_to_whoever_checks_it(keys: Keys) -> None:
    new = bounded(keys)
    assert keys.records() == (new.record,)
    assert keys.authenticate(new.text, surface="rest") == Principal(
        id=new.record.id,
        surface="rest",
        scope=Scope.ENGINE,
        accounts=frozenset({"mine", "ours"}),
        only_stops=True,
        notional_cap_usd=Decimal("2500.50"),
        tier=Tier.BASIC,
    )


def test_a_rotated_key_keeps_all_but_its_secret_and_ends_the_old_one(
    keys: Keys, clock: SteppingClock
) -> None:
    old = bounded(keys)
    keys.note_uses([KeyUse(key_id=old.record.id, uses=3, last_used_ms=1)])
    clock.now += 10 * DAY_MS * 1_000_000
    new = keys.rotate(old.record.id)
    with pytest.raises(KeyRefused, match="revoked"):
        keys.authenticate(old.text, surface="mcp")
    before = keys.authenticate(new.text, surface="mcp")
    assert before.id == new.record.id != old.record.id
    assert new.record == replace(
        old.record,
        id=new.record.id,
        digest=new.record.digest,
        created_ms=old.record.created_ms + 10 * DAY_MS,
        expires_ms=old.record.created_ms + 100 * DAY_MS,
        replaces=old.record.id,
    )
    assert new.text[4:] != old.text[4:]


def test_with_a_grace_both_keys_work_until_it_is_over(keys: Keys, clock: SteppingClock) -> None:
    old = keys.create(scope=Scope.TRADE)
    new = keys.rotate(old.record.id, grace_hours=24)
    clock.now += 24 * 3600 * 1_000_000_000 - 1_000_000
    assert keys.authenticate(old.text, surface="mcp").id == old.record.id
    clock.now += 1_000_000
    with pytest.raises(KeyRefused, match="expired"):
        keys.authenticate(old.text, surface="mcp")
    assert keys.authenticate(new.text, surface="mcp").id == new.record.id


def test_a_grace_never_makes_a_key_live_longer(keys: Keys, clock: SteppingClock) -> None:
    old = keys.create(scope=Scope.TRADE, days=1)
    clock.now += 23 * 3600 * 1_000_000_000
    keys.rotate(old.record.id, grace_hours=48)
    clock.now += 3600 * 1_000_000_000
    with pytest.raises(KeyRefused, match="expired"):
        keys.authenticate(old.text, surface="mcp")


def test_what_cannot_be_rotated_changes_nothing(keys: Keys, clock: SteppingClock) -> None:
    revoked, expired, live = (
        keys.create(scope=Scope.READ),
        keys.create(scope=Scope.READ, days=1),
        keys.create(scope=Scope.READ),
    )
    keys.revoke(revoked.record.id)
    clock.now += DAY_MS * 1_000_000
    keys.rotate(live.record.id, grace_hours=1)
    before = keys.records()
    for key_id, grace_hours, words in (
        ("knone", 0, "no key"),
        (revoked.record.id, 0, "no longer works"),
        (expired.record.id, 0, "no longer works"),
        (live.record.id, 0, "already replaced"),
        (before[-1].id, -1, "grace"),
        (before[-1].id, 1000, "grace"),
    ):
        with pytest.raises(Refused, match=words):
            keys.rotate(key_id, grace_hours=grace_hours)
    assert keys.records() == before


def test_uses_are_counted_and_survive(keys: Keys, tmp_path: Path, clock: SteppingClock) -> None:
    new = keys.create(scope=Scope.READ)
    keys.note_uses([KeyUse(key_id=new.record.id, uses=2, last_used_ms=50)])
    keys.note_uses(
        [
            KeyUse(key_id=new.record.id, uses=1, last_used_ms=40),
            KeyUse(key_id="owner", uses=9, last_used_ms=60),
        ]
    )
    elsewhere = Keys(store=SqliteKeyStore(tmp_path / "keys.sqlite"), clock=clock, entropy=os.urandom)
    assert [(record.uses, record.last_used_ms) for record in elsewhere.records()] == [(3, 50)]


_FIRST_FORM = """
CREATE TABLE IF NOT EXISTS bastion_key (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, digest TEXT NOT NULL UNIQUE,
    scope INTEGER NOT NULL, label TEXT NOT NULL, created_ms INTEGER NOT NULL,
    expires_ms INTEGER, revoked_ms INTEGER
) STRICT
"""


def test_a_key_file_of_the_first_release_goes_on_working(keys: Keys, tmp_path: Path) -> None:
    text = "bst_" + "a" * 40
    path = tmp_path / "keys.sqlite"
    connection = apsw.Connection(str(path))
    connection.execute(_FIRST_FORM)
    connection.execute(
        "INSERT INTO bastion_key (id, digest, scope, label, created_ms, revoked_ms)"
        " VALUES ('kold', ?, 2, 'bot', 1000, NULL), ('kgone', 'x', 3, '', 1000, 2000)",
        (hashlib.sha256(text.encode()).hexdigest(),),
    )
    connection.close()
    assert keys.authenticate(text, surface="mcp") == Principal(
        id="kold", surface="mcp", scope=Scope.TRADE, tier=Tier.PRO
    )
    assert [(record.id, record.revoked_ms, record.uses) for record in keys.records()] == [
        ("kold", None, 0),
        ("kgone", 2000, 0),
    ]
    rotated = keys.rotate("kold")
    assert keys.authenticate(rotated.text, surface="mcp").scope is Scope.TRADE


def test_a_key_file_of_a_newer_release_is_left_alone(keys: Keys, tmp_path: Path) -> None:
    keys.create(scope=Scope.READ)
    connection = apsw.Connection(str(tmp_path / "keys.sqlite"))
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(ConfigInvalid, match="newer bastion"):
        Keys(
            store=SqliteKeyStore(tmp_path / "keys.sqlite"), clock=SteppingClock(), entropy=os.urandom
        ).records()
