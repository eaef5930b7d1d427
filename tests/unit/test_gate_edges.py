"""What stands one step beside a request that passes the gate: another method, another path, another type."""

import json

import pytest

from bastion.errors import Fault, VenueRejected
from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed, objects
from bastion.venues.gate.rules import check_of
from bastion.venues.gate.rules import passed as passed_by

BYBIT_ORDER = {"category": "linear", "reduceOnly": True}
OKX_ORDER = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "reduceOnly": True}
HYPERLIQUID_ORDER = {"action": {"type": "order", "orders": [{"a": 0, "r": True}]}}
BINANCE_QUERY = "?symbol=BTCUSDT&side=SELL&type=MARKET&reduceOnly=true"

REDUCING = {
    "binance": ("/fapi/v1/order" + BINANCE_QUERY, None),
    "bybit": ("/v5/order/create", BYBIT_ORDER),
    "okx": ("/api/v5/trade/order", OKX_ORDER),
    "hyperliquid": ("/exchange", HYPERLIQUID_ORDER),
}
# Each stands before or after GET, POST or DELETE in some order of the letters, or is written otherwise.
STRANGE_METHODS = ("AAA", "HEAD", "OPTIONS", "PATCH", "POSTER", "PUT", "TRACE", "ZZZ", "get", "post", "")


def outgoing(method: str, target: str, body: object = None) -> Outgoing:
    if body is None:
        return Outgoing(method=method, target=target)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Outgoing(method=method, target=target, body=data, content_type="application/json")


def refused(venue: str, method: str, target: str, body: object = None) -> None:
    with pytest.raises(GateRefused):
        check_of(venue)(outgoing(method, target, body))


def passed(venue: str, method: str, target: str, body: object = None) -> Passed:
    return check_of(venue)(outgoing(method, target, body))


@pytest.mark.parametrize("method", STRANGE_METHODS)
@pytest.mark.parametrize("venue", REDUCING)
def test_a_reducing_order_passes_by_post_alone(venue: str, method: str) -> None:
    target, body = REDUCING[venue]
    assert passed(venue, "POST", target, body) is Passed.REDUCE
    refused(venue, method, target, body)


@pytest.mark.parametrize("method", STRANGE_METHODS)
def test_a_venue_without_rules_is_read_by_get_alone(method: str) -> None:
    refused("another", method, "/orders")


@pytest.mark.parametrize(
    ("venue", "target"),
    [
        ("binance", "/fapi/v1/openOrders"),
        ("bybit", "/v5/position/list?category=linear"),
        ("okx", "/api/v5/account/positions"),
    ],
)
def test_a_read_is_a_get(venue: str, target: str) -> None:
    assert passed(venue, "GET", target) is Passed.READ


@pytest.mark.parametrize(
    ("venue", "target"),
    [
        ("bybit", "/v5/v5/order/create"),
        ("bybit", "/other/v5/x/v5/order/create"),
        ("bybit", "/order/create"),
        ("bybit", "/v4/order/create"),
        ("bybit", "/v5/order/aaa"),
        ("bybit", "/v5/order/zzz"),
        ("bybit", "/v5/order/create-aaa"),
        ("bybit", "/v5/position/aaa"),
        ("okx", "/api/v5/api/v5/trade/order"),
        ("okx", "/trade/order"),
        ("okx", "/api/v4/trade/order"),
        ("okx", "/api/v5/trade/aaa"),
        ("okx", "/api/v5/trade/close-aaa"),
        ("okx", "/api/v5/trade/order-algo-other"),
        ("okx", "/api/v5/trade/zzz"),
        ("binance", "/fapi/v1/aaa" + BINANCE_QUERY),
        ("binance", "/fapi/v1/zzz" + BINANCE_QUERY),
        ("binance", "/fapi/v1/batchAaa" + BINANCE_QUERY),
        ("binance", "/fapi/v0/order" + BINANCE_QUERY),
        ("binance", "/fapi/v4/order" + BINANCE_QUERY),
        ("binance", "/fapi/v1/fapi/v1/order" + BINANCE_QUERY),
        ("binance", "/fapi/v1/dapi/v1/order" + BINANCE_QUERY),
        ("binance", "/v1/order" + BINANCE_QUERY),
        ("binance", "/zapi/v1/order" + BINANCE_QUERY),
        ("hyperliquid", "/aaa"),
        ("hyperliquid", "/zzz"),
        ("hyperliquid", "/exchange/more"),
    ],
)
def test_a_path_beside_the_known_one_is_refused_whatever_the_order_says(venue: str, target: str) -> None:
    refused(venue, "POST", target, REDUCING[venue][1])


@pytest.mark.parametrize(
    ("method", "name", "does"),
    [
        ("POST", "listenKey", Passed.READ),
        ("PUT", "listenKey", Passed.READ),
        ("DELETE", "listenKey", Passed.READ),
        ("PATCH", "listenKey", None),
        ("DELETE", "order", Passed.CANCEL),
        ("DELETE", "allOpenOrders", Passed.CANCEL),
        ("DELETE", "batchOrders", None),
        ("DELETE", "positionSide", None),
        ("DELETE", "countdownCancelAll", None),
        ("POST", "countdownCancelAll", Passed.CANCEL),
        ("PUT", "countdownCancelAll", None),
        ("POST", "allOpenOrders", None),
        ("PUT", "allOpenOrders", None),
        ("PUT", "order", None),
        ("PUT", "listenAll", None),
        ("PUT", "zListen", None),
        ("PUT", "aListen", None),
    ],
)
def test_binance_does_with_each_resource_only_what_its_method_may(
    method: str, name: str, does: Passed | None
) -> None:
    target = f"/fapi/v1/{name}?symbol=BTCUSDT"
    if does is None:
        refused("binance", method, target)
    else:
        assert passed("binance", method, target) is does


@pytest.mark.parametrize("method", ["PUT", "PATCH", "AAA", "ZZZ"])
def test_a_batch_of_binance_passes_by_post_alone(method: str) -> None:
    target = '/fapi/v1/batchOrders?batchOrders=[{"side":"SELL","reduceOnly":"true"}]'
    assert passed("binance", "POST", target) is Passed.REDUCE
    refused("binance", method, target)


@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_every_version_of_binance_that_there_is_passes(version: str) -> None:
    assert passed("binance", "POST", f"/fapi/{version}/order{BINANCE_QUERY}") is Passed.REDUCE


@pytest.mark.parametrize(
    ("fields", "reduces"),
    [
        ("side=SELL&positionSide=BOTH&reduceOnly=true", True),
        ("side=SELL&positionSide=BOTH", False),
        ("side=SELL&positionSide=ABLE", False),
        ("side=SELL&positionSide=ABLE&reduceOnly=true", False),
        ("side=SELL&positionSide=ZED&reduceOnly=true", False),
        ("side=SELL&type=STOP_MARKET&closePosition=true", True),
        ("side=SELL&type=STOP_MARKET&closePosition=false", False),
        ("side=SELL&type=STOP_MARKET", False),
        ("side=SELL&type=STOP&closePosition=true", False),
        ("side=SELL&type=TAKE_PROFIT_MARKET&closePosition=true&reduceOnly=false", True),
    ],
)
def test_a_binance_order_reduces_by_its_flag_or_by_its_side(fields: str, reduces: bool) -> None:  # noqa: FBT001 - a case of the table
    target = f"/fapi/v1/order?symbol=BTCUSDT&quantity=1&{fields}"
    if reduces:
        assert passed("binance", "POST", target) is Passed.REDUCE
    else:
        refused("binance", "POST", target)


@pytest.mark.parametrize(
    ("name", "body", "does"),
    [
        ("order/create", {"reduceOnly": True}, None),
        ("order/create", {**BYBIT_ORDER, "category": "inverse"}, Passed.REDUCE),
        ("order/create-batch", {"category": "linear", "request": [BYBIT_ORDER]}, Passed.REDUCE),
        (
            "order/create-batch",
            {"category": "linear", "request": [{**BYBIT_ORDER, "category": "spot"}]},
            None,
        ),
        ("order/create-batch", {"category": "spot", "request": [{"reduceOnly": True}]}, None),
        ("order/create-batch", {"category": "linear", "request": [{"category": "linear"}]}, None),
        ("order/create-batch", {"category": "linear", "request": []}, None),
        ("order/create-batch", {"category": "linear", "request": BYBIT_ORDER}, None),
        ("order/create-batch", {"category": "linear", "request": ["reduceOnly"]}, None),
        ("order/create-batch", BYBIT_ORDER, None),
        ("position/trading-stop", {"category": "linear", "stopLoss": "1"}, Passed.REDUCE),
        ("position/trading-stop", {"category": "spot", "stopLoss": "1"}, None),
        ("order/create", [BYBIT_ORDER], None),
    ],
)
def test_each_call_of_bybit_is_held_to_its_own_form(name: str, body: object, does: Passed | None) -> None:
    if does is None:
        refused("bybit", "POST", f"/v5/{name}", body)
    else:
        assert passed("bybit", "POST", f"/v5/{name}", body) is does


HEDGED = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated"}


@pytest.mark.parametrize(
    ("name", "body", "does"),
    [
        ("close-position", {"instId": "BTC-USDT", "mgnMode": "cross"}, None),
        ("close-position", {"instId": "BTC-USDT-SWAP"}, Passed.REDUCE),
        ("close-position", {}, None),
        ("order", {**OKX_ORDER, "posSide": ""}, Passed.REDUCE),
        ("order", {**OKX_ORDER, "posSide": "net"}, Passed.REDUCE),
        ("order", {**OKX_ORDER, "posSide": "both"}, None),
        ("order", {**OKX_ORDER, "posSide": "zed"}, None),
        ("order", {**OKX_ORDER, "reduceOnly": "true"}, Passed.REDUCE),
        ("order", {**OKX_ORDER, "reduceOnly": "false"}, None),
        ("order", {**OKX_ORDER, "tdMode": "cash"}, None),
        ("order", {**HEDGED, "posSide": "short", "side": "buy"}, Passed.REDUCE),
        ("order", {**HEDGED, "posSide": "long", "side": "sell"}, Passed.REDUCE),
        ("order", {**HEDGED, "posSide": "short", "side": "sell"}, None),
        ("order", {**HEDGED, "side": "sell"}, None),
        ("order", {**OKX_ORDER, "instId": "BTC-USDT-260327"}, Passed.REDUCE),
        ("order", {**OKX_ORDER, "instId": "BTC-USD-260327-90000-C"}, None),
        ("order", {**OKX_ORDER, "slTriggerPx": "1"}, None),
        ("batch-orders", [OKX_ORDER, OKX_ORDER], Passed.REDUCE),
        ("batch-orders", [OKX_ORDER, HEDGED], None),
        ("batch-orders", [], None),
        ("batch-orders", OKX_ORDER, None),
        ("order-algo", {**OKX_ORDER, "ordType": "conditional", "slTriggerPx": "1"}, Passed.REDUCE),
        ("order-algo", {**OKX_ORDER, "ordType": "oco"}, Passed.REDUCE),
        ("order-algo", OKX_ORDER, None),
        ("order-algo", {**HEDGED, "ordType": "conditional", "side": "sell"}, None),
    ],
)
def test_each_call_of_okx_is_held_to_its_own_form(name: str, body: object, does: Passed | None) -> None:
    if does is None:
        refused("okx", "POST", f"/api/v5/trade/{name}", body)
    else:
        assert passed("okx", "POST", f"/api/v5/trade/{name}", body) is does


@pytest.mark.parametrize(
    ("asset", "reduces"),
    [
        (0, True),
        (1, True),
        (9_999, True),
        (10_000, False),
        (99_999, False),
        (100_000, True),
        (-1, False),
        (True, False),
        ("0", False),
        (0.0, False),
        (None, False),
    ],
)
def test_a_perpetual_of_hyperliquid_is_told_by_its_number(asset: object, reduces: bool) -> None:  # noqa: FBT001 - a case of the table
    body = {"action": {"type": "order", "orders": [{"a": asset, "r": True}]}}
    if reduces:
        assert passed("hyperliquid", "POST", "/exchange", body) is Passed.REDUCE
    else:
        refused("hyperliquid", "POST", "/exchange", body)


@pytest.mark.parametrize(
    ("more", "reduces"),
    [
        ({"grouping": "na"}, True),
        ({"grouping": "positionTpsl"}, True),
        ({"grouping": "other"}, False),
        ({"builder": {"b": "0x", "f": 0}}, True),
        ({"builder": {"b": "0x", "f": 1}}, False),
        ({"builder": {"b": "0x", "f": -1}}, False),
        ({"builder": {"b": "0x"}}, False),
        ({"builder": "0x"}, False),
        ({"type": "aaa"}, False),
        ({"type": "zzz"}, False),
        ({"type": None}, False),
        ({"orders": [{"a": 0, "r": True}, {"a": 0, "r": 1}]}, False),
    ],
)
def test_what_else_an_action_of_hyperliquid_says_is_read(more: dict[str, object], reduces: bool) -> None:  # noqa: FBT001 - a case of the table
    body = {"action": {**HYPERLIQUID_ORDER["action"], **more}}
    if reduces:
        assert passed("hyperliquid", "POST", "/exchange", body) is Passed.REDUCE
    else:
        refused("hyperliquid", "POST", "/exchange", body)


def test_hyperliquid_is_read_by_post_to_info() -> None:
    assert passed("hyperliquid", "POST", "/info", {"type": "meta"}) is Passed.READ
    refused("hyperliquid", "GET", "/info")


def test_a_refused_action_is_named_by_its_first_forty_letters() -> None:
    with pytest.raises(GateRefused, match="'" + "x" * 40 + "'"):
        check_of("hyperliquid")(outgoing("POST", "/exchange", {"action": {"type": "x" * 80}}))


@pytest.mark.parametrize(
    "path", ["v5/order/create", "/v5//order/create", "/v5/order%2Fcreate", "/v5/../v5/order/create", "/v5\\x"]
)
def test_a_path_that_can_be_read_twice_has_no_reading(path: str) -> None:
    with pytest.raises(GateRefused, match="read twice"):
        _ = Outgoing(method="POST", target=path).path


def test_a_slash_at_the_end_is_none_of_the_path() -> None:
    assert Outgoing(method="POST", target="/v5/order/create/?a=b").path == "/v5/order/create"


@pytest.mark.parametrize(("length", "read"), [(256 * 1024, True), (256 * 1024 + 1, False)])
def test_a_body_is_read_up_to_a_quarter_of_a_mebibyte(length: int, read: bool) -> None:  # noqa: FBT001 - a case of the table
    sent = Outgoing(method="POST", target="/", body=b"1".ljust(length))
    if read:
        assert sent.document() == 1
    else:
        with pytest.raises(GateRefused, match="longer"):
            sent.document()


def test_a_request_may_name_more_parameters_than_anyone_sends() -> None:
    many = {f"name{number}": number for number in range(300)}
    sent = Outgoing(method="POST", target="/", body=json.dumps(many).encode())
    assert sent.document() == many


@pytest.mark.parametrize(
    "body", [b"\xff", b"{", b'{"a":NaN}', b'{"a":1,"A":2}', b'{"a":1,"a":1}', b"[" * 100_000]
)
def test_a_body_that_readers_read_differently_is_refused(body: bytes) -> None:
    with pytest.raises(GateRefused):
        Outgoing(method="POST", target="/", body=body).document()


@pytest.mark.parametrize("value", [None, [], {}, "ab", [1], [{}, 1]])
def test_what_is_no_list_of_objects_holds_no_orders(value: object) -> None:
    with pytest.raises(GateRefused):
        objects(value, "here")


def test_query_and_form_are_read_with_what_is_blank() -> None:
    form = Outgoing(
        method="POST",
        target="/x?a=1&blank=",
        body=b"b=2&empty=",
        content_type="Application/X-WWW-Form-URLEncoded; charset=utf-8",
    )
    assert form.query() == {"a": "1", "blank": ""}
    assert form.form() == {"a": "1", "blank": "", "b": "2", "empty": ""}
    assert Outgoing(method="POST", target="/x", body=b"b=2").form() == {"b": "2"}


def test_a_body_that_is_no_form_is_not_read_as_one() -> None:
    with pytest.raises(GateRefused, match="not a form"):
        Outgoing(method="POST", target="/x", body=b"b=2", content_type="text/plain").form()


@pytest.mark.parametrize("target", ["/x?a=1&a=2", "/x?a=1&A=1", "/x?a=&a="])
def test_a_parameter_that_is_named_twice_is_refused(target: str) -> None:
    with pytest.raises(GateRefused):
        Outgoing(method="GET", target=target).query()


def test_what_the_gate_refuses_never_leaves_and_says_so_for_good() -> None:
    with pytest.raises(VenueRejected, match="not sent: a Bybit order without reduceOnly can open") as refusal:
        passed_by(check_of("bybit"), outgoing("POST", "/v5/order/create", {"category": "linear"}))
    assert (refusal.value.fault, refusal.value.code) == (Fault.TERMINAL, "gate")
    order = outgoing("POST", "/v5/order/create", BYBIT_ORDER)
    assert passed_by(check_of("bybit"), order) is Passed.REDUCE


@pytest.mark.parametrize(
    ("order", "reduces"),
    [
        ('{"side":"SELL","reduceOnly":true}', True),
        ('{"side":"SELL","reduceOnly":"true"}', True),
        ('{"side":"SELL","reduceOnly":false}', False),
        ('{"side":"SELL","reduceOnly":"True"}', False),
        ('{"side":"SELL","type":"STOP_MARKET","closePosition":true}', True),
        ('{"side":"SELL","type":"STOP_MARKET","closePosition":false}', False),
        ('{"side":"SELL"}', False),
    ],
)
def test_an_order_in_a_batch_of_binance_says_by_json_or_by_text_that_it_reduces(
    order: str,
    reduces: bool,  # noqa: FBT001 - a case of the table
) -> None:
    target = f"/fapi/v1/batchOrders?batchOrders=[{order}]"
    if reduces:
        assert passed("binance", "POST", target) is Passed.REDUCE
    else:
        refused("binance", "POST", target)


@pytest.mark.parametrize("name", ["aaa", "batchOrdersMore", "zzz"])
def test_a_batch_of_binance_passes_under_its_own_name_alone(name: str) -> None:
    refused("binance", "POST", f'/fapi/v1/{name}?batchOrders=[{{"side":"SELL","reduceOnly":"true"}}]')


@pytest.mark.parametrize("path", ["/dapi/v1/fapi/v1/order", "/papi/v1/dapi/v1/order"])
def test_a_path_of_two_families_of_binance_belongs_to_none(path: str) -> None:
    refused("binance", "POST", path + BINANCE_QUERY)


@pytest.mark.parametrize("name", ["aaa", "batch-orders-more", "order-aaa", "order-zzz", "zzz"])
@pytest.mark.parametrize(
    "body", [OKX_ORDER, [OKX_ORDER], {**OKX_ORDER, "ordType": "conditional"}], ids=["one", "some", "algo"]
)
def test_a_call_of_okx_that_is_not_known_is_refused_whatever_it_holds(name: str, body: object) -> None:
    refused("okx", "POST", f"/api/v5/trade/{name}", body)
