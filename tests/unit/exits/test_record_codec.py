"""Records keep every field through their JSON, and nothing else is taken for a record."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bastion.domain.records import ExitEnded, Looked, Record
from bastion.storage.chain import GENESIS, broken_at, seal
from bastion.storage.codec import (
    RecordMalformed,
    decode,
    drop_text,
    encode,
    encode_value,
    keep_text,
    kind_of,
)

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
st.register_type_strategy(Decimal, DECIMALS)
RECORDS = st.one_of(*(st.builds(kind) for kind in get_args(Record)))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=RECORDS)
def test_every_record_comes_back_as_it_was(record: Any) -> None:  # noqa: ANN401 - any record
    text = encode(record)
    back = decode(kind_of(record), text)
    assert back == record
    assert encode(back) == text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("ExitEnded", '{"exit_id":1}'),
        ("ExitEnded", "{}"),
        ("ExitEnded", '{"exit_id":"x","more":1}'),
        ("ExitEnded", '{"exit_id":1.5}'),
        ("ExitEnded", "[]"),
        ("ExitEnded", "{"),
        ("Unheard", "{}"),
        ("RunStarted", '{"exit_id":"x","run":true,"monotonic_ns":1}'),
    ],
)
def test_what_is_no_record_is_refused(kind: str, text: str) -> None:
    with pytest.raises(RecordMalformed):
        decode(kind, text)


def test_a_chain_shows_where_it_was_changed() -> None:
    entries = []
    previous = GENESIS
    for seq in range(1, 6):
        record = ExitEnded(exit_id=f"x{seq}")
        entry = seal(record, body=encode(record), seq=seq, at_ns=seq, previous=previous)
        previous = entry.hash
        entries.append(entry)
    assert broken_at(entries) is None
    assert broken_at([*entries[:2], *entries[3:]]) == 2
    forged = ExitEnded(exit_id="other")
    entries[3] = seal(forged, body=encode(forged), seq=4, at_ns=4, previous=entries[2].hash)
    assert broken_at(entries) == 4


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(looked=st.builds(Looked), others=st.integers(min_value=3, max_value=9))
def test_a_look_whose_text_is_kept_is_written_as_it_would_be_without(looked: Looked, others: int) -> None:
    plain = encode_value(looked)
    keep_text(looked.look)
    try:
        assert encode_value(looked) == plain
        assert json.dumps(json.loads(plain), sort_keys=True, separators=(",", ":")) == plain
        changed = replace(looked.look, ended_ns=looked.look.ended_ns + others)
        # Another look is never written as the one that was kept, however alike.
        assert decode("Looked", encode_value(replace(looked, look=changed))) == replace(looked, look=changed)
    finally:
        drop_text(looked.look)
    assert encode_value(looked) == plain
