"""The shapes of any other exchange: which request fits one, place by place, and which fits none."""

import json

import pytest

from bastion.venues.gate.generic import Shape, Shapes, check_by, document_of, path_of, places
from bastion.venues.gate.outgoing import GateRefused, Outgoing, Passed

SHAPES = Shapes(
    orders=(
        Shape(
            method="POST",
            path="/v1/orders",
            fields=frozenset({"body.symbol", "body.reduceOnly", "body.legs[].size"}),
            must={"body.reduceOnly": (True, "true")},
        ),
        Shape(method="POST", path="/v1/batch", fields=None, must={"body[].reduceOnly": (True,)}),
        Shape(method="POST", path="/v1/deep", fields=None, must={"body.a[].b[].reduceOnly": (1,)}),
        Shape(
            method="GET",
            path="/v1/close/*/now",
            fields=frozenset({"?side"}),
            must={"?side": ("sell", "buy")},
        ),
    ),
    cancels=(
        Shape(method="DELETE", path="/v1/orders/*", fields=frozenset(), must={}),
        Shape(method="DELETE", path="/v1/$all", fields=frozenset(), must={}),
    ),
    reads=(Shape(method="POST", path="/v1/query", fields=frozenset({"body.what"}), must={}),),
    gets_read=True,
)


def asked(method: str, target: str, body: object = None) -> Outgoing:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    # A method that was read from somewhere is equal to the one of a shape, and another object.
    return Outgoing(method="".join(method), target=target, body=data)


def holds(request: Outgoing, does: Passed | None, shapes: Shapes = SHAPES, prefix: str = "") -> None:
    check = check_by(shapes, prefix=prefix)
    if does is None:
        with pytest.raises(GateRefused):
            check(request)
    else:
        assert check(request) is does


@pytest.mark.parametrize(
    ("body", "reduces"),
    [
        ({"symbol": "A", "reduceOnly": True}, True),
        ({"reduceOnly": "true"}, True),
        (b"symbol=A&reduceOnly=true", True),
        (b"symbol=&reduceOnly=true", True),
        ({"reduceOnly": True, "legs": [{"size": 1}, {"size": 2}]}, True),
        ({"reduceOnly": True, "legs": [{"size": 1}, {"sizes": 2}]}, False),
        ({"reduceOnly": True, "legs": {"size": 1}}, False),
        ({"symbol": "A", "reduceOnly": True, "stop": "1"}, False),
        ({"symbol": "A", "reduceOnly": False}, False),
        ({"symbol": "A", "reduceOnly": 1}, False),
        ({"symbol": "A", "reduceOnly": "True"}, False),
        ({"symbol": "A", "reduceOnly": None}, False),
        ({"symbol": "A", "reduceOnly": {"a": True}}, False),
        ({"symbol": "A"}, False),
        ([{"symbol": "A", "reduceOnly": True}], False),
        (b"symbol=A", False),
        (b"symbol=A&reduceOnly=true&reduceOnly=false", False),
        (b"symbol=A&symbol=A&reduceOnly=true", False),
        (b"symbol=&symbol=&reduceOnly=true", False),
        (b'{"reduceOnly":true,"reduceOnly":false}', False),
        (b"\xff=1&reduceOnly=true", False),
        (b"", False),
    ],
)
def test_an_order_has_all_that_its_shape_must_have_and_nothing_that_it_does_not_know(
    body: object,
    reduces: bool,  # noqa: FBT001 - a case of the table
) -> None:
    holds(asked("POST", "/v1/orders", body), Passed.REDUCE if reduces else None)


@pytest.mark.parametrize(
    ("target", "body", "reduces"),
    [
        ("/v1/batch", [{"reduceOnly": True}], True),
        ("/v1/batch", [{"reduceOnly": True}, {"reduceOnly": True, "more": 1}], True),
        ("/v1/batch", [{"reduceOnly": True}, {"more": 1}], False),
        ("/v1/batch", [{"more": 1}, {"reduceOnly": True}], False),
        ("/v1/batch", [{"reduceOnly": True}, {"reduceOnly": False}], False),
        ("/v1/batch", [{"reduceOnly": True}, "reduceOnly"], False),
        ("/v1/batch", [], False),
        ("/v1/batch", {"reduceOnly": True}, False),
        ("/v1/batch", {"[]": {"reduceOnly": True}}, False),
        ("/v1/deep", {"a": [{"b": [{"reduceOnly": 1}]}]}, True),
        (
            "/v1/deep",
            {"a": [{"b": [{"reduceOnly": 1}, {"reduceOnly": 1}]}, {"b": [{"reduceOnly": 1}]}]},
            True,
        ),
        ("/v1/deep", {"a": [{"b": [{"reduceOnly": 1}]}, {"b": []}]}, False),
        ("/v1/deep", {"a": [{"b": [{"reduceOnly": 1}]}, {}]}, False),
        ("/v1/deep", {"a": [{"b": [{"reduceOnly": True}]}]}, False),
        ("/v1/deep", {"a": []}, False),
        ("/v1/deep", {}, False),
    ],
)
def test_every_item_of_a_list_has_what_must_be_there(
    target: str,
    body: object,
    reduces: bool,  # noqa: FBT001 - a case of the table
) -> None:
    holds(asked("POST", target, body), Passed.REDUCE if reduces else None)


@pytest.mark.parametrize(
    ("method", "target", "body", "does"),
    [
        ("GET", "/v1/close/A/now?side=sell", None, Passed.REDUCE),
        ("GET", "/v1/close/A/now/?side=buy", None, Passed.REDUCE),
        # What acts by GET is no read, whatever else it says.
        ("GET", "/v1/close/A/now?side=open", None, None),
        ("GET", "/v1/close/A/now?side=sell&size=1", None, None),
        ("GET", "/v1/close/A/now?size=1", None, None),
        ("GET", "/v1/close/A/now", None, None),
        ("GET", "/v1/close/A/later?side=open", None, Passed.READ),
        ("GET", "/v1/close/A/now/more?side=open", None, Passed.READ),
        ("GET", "/v1/close/now?side=open", None, Passed.READ),
        ("GET", "/v1/orders", None, Passed.READ),
        ("GET", "/v1/orders/7", None, Passed.READ),
        ("DELETE", "/v1/orders/7", None, Passed.CANCEL),
        ("DELETE", "/v1/$all", None, Passed.CANCEL),
        ("DELETE", "/v1/$any", None, None),
        ("DELETE", "/v1/orders", None, None),
        ("DELETE", "/v1/orders/", None, None),
        ("DELETE", "/v1/orders/7/all", None, None),
        ("DELETE", "/v1/orders/7?all=1", None, None),
        ("DELETE", "/v1/orders/7", {"all": 1}, None),
        ("DELETE", "/v1/others/7", None, None),
        ("PUT", "/v1/orders/7", None, None),
        ("POST", "/v1/query", {"what": "all"}, Passed.READ),
        ("POST", "/v1/query", {"what": "all", "then": 1}, None),
        ("GET", "/v1/query", None, Passed.READ),
        ("PUT", "/v1/query", {"what": "all"}, None),
        ("ZET", "/v1/anything", None, None),
        ("FET", "/v1/anything", None, None),
        ("POST", "/v1/anything", None, None),
        ("PUT", "/v1/orders", {"reduceOnly": True}, None),
        ("AAA", "/v1/orders", {"reduceOnly": True}, None),
        ("ZZZ", "/v1/orders", {"reduceOnly": True}, None),
    ],
)
def test_a_request_does_what_the_shape_of_its_method_and_path_does(
    method: str, target: str, body: object, does: Passed | None
) -> None:
    holds(asked(method, target, body), does)


def test_where_a_get_may_change_something_only_a_known_shape_reads() -> None:
    strict = Shapes(orders=SHAPES.orders, cancels=SHAPES.cancels, reads=SHAPES.reads, gets_read=False)
    holds(asked("GET", "/v1/anything"), None, strict)
    holds(asked("POST", "/v1/query", {"what": "all"}), Passed.READ, strict)


def test_only_what_stands_behind_the_base_url_is_held_to_the_shapes() -> None:
    order = {"reduceOnly": True}
    holds(asked("POST", "/paper/x/v1/orders", order), Passed.REDUCE, prefix="/paper/x")
    for target in ("/v1/orders", "/paper/y/v1/orders", "/other/paper/x/v1/orders"):
        with pytest.raises(GateRefused, match="not behind the base URL"):
            check_by(SHAPES, prefix="/paper/x")(asked("POST", target, order))
    holds(asked("POST", "/paper/x/paper/x/v1/orders", order), None, prefix="/paper/x")


def test_query_and_body_are_one_document() -> None:
    assert document_of(asked("GET", "/v1?a=1&b=")) == {"?a": "1", "?b": ""}
    assert document_of(asked("POST", "/v1?a=1", {"a": 2})) == {"?a": "1", "body": {"a": 2}}
    assert document_of(asked("POST", "/v1", [1, 2])) == {"body": [1, 2]}
    assert document_of(asked("POST", "/v1", b"a=1&b=")) == {"body": {"a": "1", "b": ""}}
    many = {f"name{number}": "" for number in range(300)}
    assert document_of(asked("POST", "/v1", "&".join(f"{name}=" for name in many).encode())) == {"body": many}
    for body, why in ((b"\xff", "UTF-8"), (b"a=1&a=1", "twice"), (b"[", "not JSON"), (b"{", "not JSON")):
        with pytest.raises(GateRefused, match=why):
            document_of(asked("POST", "/v1", body))


def test_every_value_of_a_document_has_a_place() -> None:
    document = {"?a": "1", "body": {"b": [{"c": 1}, [2], 3], "d": {"e": None}, "f": {}, "g": []}}
    assert list(places(document)) == [
        ("?a", "1"),
        ("body.b[].c", 1),
        ("body.b[][]", 2),
        ("body.b[]", 3),
        ("body.d.e", None),
    ]
    assert list(places([1])) == [("[]", 1)]


@pytest.mark.parametrize(
    ("url", "path"), [("https://x.y/a/b/?c=d", "/a/b"), ("https://x.y", ""), ("https://x.y/", "")]
)
def test_the_path_of_a_url_has_no_closing_slash(url: str, path: str) -> None:
    assert path_of(url) == path
