"""Answers leave as plain JSON: exact numbers, one line of text a field, no text of a crash."""

import json
import logging
from dataclasses import dataclass
from decimal import Decimal

import pytest
from mcp_types import TextContent

from bastion.errors import JournalUnusable, ScopeDenied, VenueUnreachable
from bastion.surfaces.mcp_server.answers import answer_of, bare, json_number, one_line
from bastion.surfaces.mcp_server.refusals import refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A small report."""

    summary: str
    price: Decimal | None
    legs: tuple[str, ...]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("91200", "91200"),
        ("142.50", "142.5"),
        ("-1250", "-1250"),
        ("0", "0"),
        ("0.1", "0.1"),
        ("1E+3", "1000"),
    ],
)
def test_numbers_are_written_as_the_interface_shows_them(value: str, written: str) -> None:
    assert json.dumps(json_number(Decimal(value))) == written


def test_an_answer_keeps_its_order_and_its_nulls() -> None:
    report = Report(summary="FLAT.", price=None, legs=("a", "b"))
    assert bare(answer_of(report)) == '{"summary": "FLAT.", "price": null, "legs": ["a", "b"]}'


def test_text_of_an_exchange_is_one_printable_line() -> None:
    report = Report(summary="a\x1b[31m\r\n b\u202e" + "x" * 3000, price=Decimal(1), legs=())
    text = answer_of(report)["summary"]
    assert isinstance(text, str)
    assert text.startswith("a [31m b x")
    assert len(text) == 2000
    assert one_line("plain") == "plain"


def error_of(error: Exception) -> dict[str, object]:
    result = refused(error)
    assert result.is_error
    assert result.structured_content is None
    block = result.content[0]
    assert isinstance(block, TextContent)
    document = json.loads(block.text)
    assert list(document) == ["error"]
    content = document["error"]
    assert isinstance(content, dict)
    return content


def test_a_refusal_carries_its_code_and_text() -> None:
    assert error_of(ScopeDenied("needs trade")) == {"code": "SCOPE_DENIED", "message": "needs trade"}


def test_waiting_is_offered_only_where_it_helps() -> None:
    assert error_of(VenueUnreachable("busy", retry_after_s=1.2))["retry_after"] == 2
    assert "retry_after" not in error_of(VenueUnreachable("gone"))
    assert error_of(JournalUnusable("disk full"))["code"] == "INTERNAL"


def test_the_text_of_a_crash_never_reaches_the_client(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        content = error_of(RuntimeError("secret detail"))
    assert content["code"] == "INTERNAL"
    assert "secret detail" not in json.dumps(content)
    assert "RuntimeError" in caplog.text
