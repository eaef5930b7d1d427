"""Keys may come by several ways; all that came must be good and name one principal."""

import pytest

from bastion.domain.principal import Principal, Scope
from bastion.errors import KeyRefused
from bastion.surfaces.mcp_server.door import take_query_keys
from bastion.surfaces.mcp_server.identity import (
    ENVIRONMENT_KEY,
    Presented,
    from_argument,
    from_environment,
    from_headers,
    from_query,
    identify,
)

ALICE = "bst_" + "a" * 40
BOB = "bst_" + "b" * 40


class Register:
    """A register of two keys, kept in memory."""

    def authenticate(self, text: str | None, *, surface: str) -> Principal:
        """Return who holds the key."""
        if text is None:
            raise KeyRefused("A bastion key is required.")
        names = {ALICE: "alice", BOB: "bob"}
        if text not in names:
            raise KeyRefused("This bastion key is not known here.")
        return Principal(id=names[text], surface=surface, scope=Scope.TRADE)


def test_a_call_without_any_key_is_refused() -> None:
    with pytest.raises(KeyRefused, match="required"):
        identify(Register(), ())


def test_the_same_key_by_two_ways_is_one_principal() -> None:
    presented = (*from_argument(ALICE), *from_headers([("X-API-Key", ALICE)]))
    assert identify(Register(), presented) == Principal(id="alice", surface="mcp", scope=Scope.TRADE)


def test_keys_of_two_principals_are_refused_and_neither_is_picked() -> None:
    presented = (*from_argument(ALICE), *from_headers([("authorization", f"Bearer {BOB}")]))
    with pytest.raises(KeyRefused, match="different principals") as caught:
        identify(Register(), presented)
    assert ALICE not in str(caught.value)
    assert BOB not in str(caught.value)


def test_a_bad_key_beside_a_good_one_is_refused_by_its_way() -> None:
    presented = (*from_argument("bst_wrong"), *from_environment({"BASTION_API_KEY": ALICE}))
    with pytest.raises(KeyRefused, match="The key in `api_key` was refused") as caught:
        identify(Register(), presented)
    assert "bst_wrong" not in str(caught.value)


@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_argument_counts_as_none(value: object) -> None:
    assert from_argument(value) == ()


@pytest.mark.parametrize("value", [1, True, ["bst_x"], {"key": "bst_x"}, "b" * 201])
def test_an_argument_that_is_no_key_text_is_refused(value: object) -> None:
    with pytest.raises(KeyRefused, match="must be a bastion key"):
        from_argument(value)


def test_other_authorization_schemes_and_empty_headers_carry_no_key() -> None:
    headers = [("authorization", f"Basic {ALICE}"), ("x-api-key", " "), ("authorization", "Bearer ")]
    assert from_headers(headers) == ()


def test_two_headers_are_both_seen() -> None:
    ways = [key.way for key in from_headers([("x-api-key", ALICE), ("authorization", f"bearer {BOB}")])]
    assert ways == ["the X-API-Key header", "the Authorization header"]


def test_a_presented_key_never_shows_itself() -> None:
    assert ALICE not in repr(Presented(way="the query", text=ALICE))


@pytest.mark.parametrize(
    ("query", "kept", "keys"),
    [
        (b"", b"", ()),
        (b"session_id=1", b"session_id=1", ()),
        (b"api_key=bst_x", b"", ("bst_x",)),
        (b"a=1&api_key=bst_x&b=2", b"a=1&b=2", ("bst_x",)),
        (b"API_KEY=bst_x&api%5Fkey=bst_y", b"", ("bst_x", "bst_y")),
        (b"a=%20", b"a=%20", ()),
    ],
)
def test_every_key_is_taken_out_of_the_query_in_place(
    query: bytes, kept: bytes, keys: tuple[str, ...]
) -> None:
    scope = {"query_string": query}
    assert take_query_keys(scope) == keys
    assert scope["query_string"] == kept
    assert [key.text for key in from_query(keys)] == list(keys)


def test_a_key_that_a_server_on_stdio_hands_on_is_named_by_the_variable_that_it_came_from() -> None:
    assert [key.way for key in from_headers([(ENVIRONMENT_KEY, ALICE)])] == ["BASTION_API_KEY"]
    assert from_headers([(ENVIRONMENT_KEY, " ")]) == ()
