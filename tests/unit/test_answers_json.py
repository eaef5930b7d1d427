"""JSON answers: exact numbers and one envelope of errors."""

import json
from decimal import Decimal

import jsonschema
import pytest

from bastion.domain.verdict import Verdict
from bastion.errors import Fault, KeyRefused, ScopeDenied, VenueRejected
from bastion.surfaces.schemas import dumps, error_document, exit_schema


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("91200.00000000", "91200"),
        ("142.50", "142.5"),
        ("-1650", "-1650"),
        ("0E-8", "0"),
        ("-0.00", "0"),
        ("1E+3", "1000"),
        ("0.1", "0.1"),
        ("1E-12", "0.000000000001"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
    ],
)
def test_a_decimal_becomes_an_exact_json_number(value: str, text: str) -> None:
    assert dumps({"x": Decimal(value)}) == f'{{"x": {text}}}'


def test_a_float_is_refused_and_so_is_infinity() -> None:
    with pytest.raises(TypeError):
        dumps({"x": 0.1})
    with pytest.raises(ValueError, match="number"):
        dumps(Decimal("Infinity"))


def test_the_rest_is_ordinary_json_with_or_without_indent() -> None:
    value = {"a": [1, True, None, "\u00e9\n"], "b": {}, "c": (), "v": Verdict.FLAT}
    for indent in (None, 2):
        assert json.loads(dumps(value, indent=indent)) == {
            "a": [1, True, None, "\u00e9\n"],
            "b": {},
            "c": [],
            "v": "FLAT",
        }


def test_errors_have_one_envelope_with_the_interface_s_codes() -> None:
    assert error_document(KeyRefused("no"))["error"] == {"code": "AUTH_REQUIRED", "message": "no"}
    assert error_document(ScopeDenied("no"))["error"]["code"] == "SCOPE_DENIED"
    limited = VenueRejected("slow", fault=Fault.RATE_LIMIT, retry_after_s=1.2)
    assert error_document(limited)["error"] == {"code": "EXCHANGE_ERROR", "message": "slow", "retry_after": 2}
    surprise = error_document(ValueError("with a secret"))["error"]
    assert surprise["code"] == "INTERNAL"
    assert "secret" not in str(surprise["message"])


def test_the_published_schema_is_a_valid_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(exit_schema())
