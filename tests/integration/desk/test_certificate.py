"""The certificate of an exit: what it tells, that it only ever grows, and that no change goes unseen."""

import asyncio
import base64
import contextlib
import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bastion.app import check_certificate, find_place, open_paper_desk
from bastion.commands import certificate, certificate_text, emergency_exit
from bastion.domain.principal import Principal, Scope
from bastion.errors import ConfigInvalid, ExitUnknown, Refused, ScopeDenied
from bastion.exits.certificate import canonical
from bastion.storage.notary import FileNotary

OWNER = Principal(id="owner", surface="test", scope=Scope.ENGINE)


@dataclass(frozen=True)
class Made:
    """A certificate of a real exit on the embedded exchange, early and late, and who signed it."""

    text: str
    earlier: str
    fingerprint: str
    restricted: str
    mode: int


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return asyncio.run(make(tmp_path_factory.mktemp("certificate")))


async def make(home: Path) -> Made:
    place = find_place(config=None, environment={"BASTION_HOME": str(home)})
    async with open_paper_desk(place, scenario="seed") as (desk, _):
        report = await emergency_exit(desk, OWNER, reason="a crash", hold_s=Decimal(1))
        early = await certificate(desk, OWNER, report.exit_id)
        running = desk.exit_of(report.exit_id)
        if running is not None:
            await running.ended.wait()
        late = await certificate(desk, OWNER, report.exit_id)
        some = Principal(id="k", surface="mcp", scope=Scope.READ, accounts=frozenset({"paper-bybit"}))
        with pytest.raises(ScopeDenied, match="whole exit") as refused:
            await certificate(desk, some, report.exit_id)
        none = Principal(id="k", surface="mcp", scope=Scope.READ, accounts=frozenset({"elsewhere"}))
        with pytest.raises(ExitUnknown):
            await certificate(desk, none, report.exit_id)
        with pytest.raises(ExitUnknown):
            await certificate(desk, OWNER, "xnone")
    return Made(
        text=certificate_text(late),
        earlier=certificate_text(early),
        fingerprint=late.fingerprint,
        restricted=str(refused.value),
        mode=(home / "certificate.key").stat().st_mode & 0o777,
    )


def test_it_tells_what_was_asked_answered_seen_and_filled(made: Made) -> None:
    told = json.loads(made.text)
    assert told["outcome"]["verdict"] == "FLAT"
    assert told["outcome"]["positions_closed"] == 4
    assert Decimal(told["outcome"]["total_realized_pnl_usd"]) == Decimal(-1250)
    assert told["asked_by"] == {"principal": "owner", "surface": "test", "reason": "a crash"}
    assert [(one["account"], one["key_space"], one["verdict"]) for one in told["accounts"]] == [
        ("paper-binance", "usdm", "FLAT"),
        ("paper-bybit", "unified", "FLAT"),
    ]
    for account in told["accounts"]:
        assert len(account["looks"]) >= 3
        assert all(look["raw_answers_sha256"] and look["parts"] for look in account["looks"])
        assert len(account["orders"]) == len(account["fills"]) == 2
        assert all(order["answers"][0]["outcome"] == "answered" for order in account["orders"])
    hashes = {entry["hash"] for entry in told["entries"]}
    assert {look["entry"] for account in told["accounts"] for look in account["looks"]} <= hashes
    assert told["heads"]["journal"][1] == told["entries"][-1]["hash"]


def test_it_is_checked_by_its_text_and_the_fingerprint_alone(made: Made) -> None:
    checked = check_certificate(made.text, fingerprint=made.fingerprint)
    assert (checked.success, checked.trusted, checked.verdict) == (True, True, "FLAT")
    unknown = check_certificate(made.text)
    assert (unknown.success, unknown.trusted) == (True, None)
    assert "compare" in unknown.summary
    wrong = check_certificate(made.text, fingerprint="SHA256:" + "0" * 64)
    assert (wrong.success, wrong.trusted) == (False, False)
    assert wrong.summary.startswith("NOT GENUINE")


def test_later_findings_are_appended_and_nothing_is_rewritten(made: Made) -> None:
    before, after = json.loads(made.earlier)["entries"], json.loads(made.text)["entries"]
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert check_certificate(made.text, earlier=made.earlier).success
    shorter = check_certificate(made.earlier, earlier=made.text)
    assert shorter.flaws == ("it lacks entries of the earlier certificate",)


def test_a_key_that_sees_a_part_of_the_exit_is_told_so_and_no_other_account(made: Made) -> None:
    assert "binance" not in made.restricted


def test_the_signing_key_is_its_owners_alone(made: Made) -> None:
    assert made.mode == 0o600


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    items = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if items is None:
        yield path
        return
    for name, item in items:
        yield from leaves(item, (*path, name))


def changed(value: Any, draw: st.DataObject) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + draw.draw(st.sampled_from((-1, 1, 1_000_000)))
    if value is None:
        return ""
    if value == "":
        return draw.draw(st.sampled_from(("x", None)))
    place = draw.draw(st.integers(0, len(value) - 1))
    bit = draw.draw(st.sampled_from((1, 2, 4, 8)))
    return value[:place] + chr(ord(value[place]) ^ bit) + value[place + 1 :]


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_change_of_any_field_is_caught(made: Made, data: st.DataObject) -> None:
    document = json.loads(made.text)
    *way, last = data.draw(st.sampled_from(sorted(leaves(document), key=str)))
    inner = document
    for name in way:
        inner = inner[name]
    inner[last] = changed(inner[last], data)
    with contextlib.suppress(Refused):  # What is no certificate any more is not taken for one.
        assert not check_certificate(json.dumps(document)).success


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_an_entry_left_out_doubled_or_moved_is_caught(made: Made, data: st.DataObject) -> None:
    document = json.loads(made.text)
    entries = document["entries"]
    place = data.draw(st.integers(0, len(entries) - 1))
    match data.draw(st.sampled_from(("out", "twice", "moved"))):
        case "out":
            del entries[place]
        case "twice":
            entries.insert(place, copy.deepcopy(entries[place]))
        case _:
            entries.insert((place + 3) % len(entries), entries.pop(place))
    if entries != json.loads(made.text)["entries"]:
        assert not check_certificate(json.dumps(document)).success


def test_whoever_signs_a_forgery_anew_has_another_fingerprint(made: Made, tmp_path: Path) -> None:
    forger = FileNotary(tmp_path / "forger.key", journal=tmp_path / "none")
    document = json.loads(made.text)
    del document["signature"]
    document["outcome"]["total_realized_pnl_usd"] = "1250"
    key = forger.public_key()
    document["issued_by"] |= {
        "public_key": base64.b64encode(key).decode("ascii"),
        "fingerprint": "SHA256:" + hashlib.sha256(key).hexdigest(),
    }
    document["signature"] = base64.b64encode(forger.sign(canonical(document))).decode("ascii")
    forged = json.dumps(document)
    assert check_certificate(forged).success
    assert not check_certificate(forged, fingerprint=made.fingerprint).success


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"form": "bastion-certificate/1"}',
        '{"form": "bastion-certificate/1", "form": "bastion-certificate/1"}',
        '{"form": "bastion-certificate/2"}',
        "[" * 100_000,
    ],
)
def test_what_is_no_certificate_is_refused_as_such(text: str) -> None:
    with pytest.raises(Refused, match="no certificate"):
        check_certificate(text)


def test_a_signing_key_that_others_can_read_or_that_is_none_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "certificate.key"
    first = FileNotary(path, journal=tmp_path / "none").public_key()
    assert FileNotary(path, journal=tmp_path / "none").public_key() == first
    path.chmod(0o644)
    with pytest.raises(ConfigInvalid, match="chmod 600"):
        FileNotary(path, journal=tmp_path / "none").public_key()
    path.write_text("no key", encoding="ascii")
    path.chmod(0o600)
    with pytest.raises(ConfigInvalid, match="no PEM"):
        FileNotary(path, journal=tmp_path / "none").public_key()
    assert list(tmp_path.iterdir()) == [path]
