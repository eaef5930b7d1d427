"""Request bodies are read strictly: whatever the bytes, a body is either wholly good or refused with 400."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bastion.paper.strike.money import margin_text, parse_micro
from bastion.paper.wire.strike.answers import Refusal
from bastion.paper.wire.strike.fields import Body, read_body
from bastion.paper.wire.strike.routes import routes

ROUTES = [route for route in routes(["BTC-USD", "ETH-USD"]) if route.body]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def read_or_refused(raw: bytes, number: int) -> Body | None:
    with contextlib.suppress(Refusal):
        return read_body(raw, ROUTES[number].body)
    return None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(ROUTES) - 1))
def test_any_bytes_are_read_or_refused(raw: bytes, number: int) -> None:
    read_or_refused(raw, number)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, len(ROUTES) - 1))
def test_any_values_in_the_right_fields_are_read_or_refused(data: st.DataObject, number: int) -> None:
    body = {name: data.draw(JSON, label=name) for name in ROUTES[number].body}
    read_or_refused(json.dumps(body).encode(), number)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10**15), st.integers(1, 1000))
def test_what_is_printed_as_an_amount_is_read_as_the_same_amount(micro: int, leverage: int) -> None:
    order = next(route for route in ROUTES if route.path == "/long")
    sent = {"margin": margin_text(micro), "leverage": leverage, "symbol": "BTC-USD"}
    body = read_body(json.dumps(sent).encode(), order.body)
    assert (body.integer("margin"), body.integer("leverage")) == (micro, leverage)
    assert parse_micro(margin_text(micro)) == micro


def test_a_field_is_asked_for_by_its_type() -> None:
    body = Body(values={"margin": 5, "symbol": "BTC-USD"})
    with pytest.raises(TypeError):
        body.text("margin")
    with pytest.raises(TypeError):
        body.integer("symbol")
