"""The arguments of MCP tools are checked as published, and a refusal never repeats a value."""

import json
import math

import pytest
from jsonschema import Draft202012Validator

from bastion.errors import Refused
from bastion.surfaces.mcp_server.parameters import Number, Parameters, Text, check_arguments, input_schema

SECRET = "bst_" + "a" * 40

PARAMETERS: Parameters = {
    "reason": Text(description="Why.", length_max=20),
    "deadline_s": Number(description="Seconds.", minimum=1, maximum=3600, default=60),
    "exit_id": Text(description="Which.", length_max=40, required=True),
}


def test_good_arguments_come_back_unchanged() -> None:
    given = {"reason": "crash", "deadline_s": 30, "exit_id": "x1"}
    assert check_arguments(PARAMETERS, given) == given


def test_null_counts_as_not_given() -> None:
    assert check_arguments(PARAMETERS, {"reason": None, "exit_id": "x1"}) == {"exit_id": "x1"}


def test_a_misspelt_argument_is_refused_and_the_right_name_offered() -> None:
    with pytest.raises(Refused, match=r"no argument `reasn`\. Did you mean `reason`\?"):
        check_arguments(PARAMETERS, {"reasn": "crash", "exit_id": "x1"})


@pytest.mark.parametrize("name", [SECRET, "sk-bast-1", "a b", "x" * 60, "", "naïve", "line\nbreak"])
def test_an_unknown_name_that_could_be_a_secret_is_not_repeated(name: str) -> None:
    with pytest.raises(Refused) as caught:
        check_arguments(PARAMETERS, {name: 1, "exit_id": "x1"})
    assert not name or name not in str(caught.value)
    assert "Nothing was done." in str(caught.value)


def test_a_missing_required_argument_is_named() -> None:
    with pytest.raises(Refused, match="`exit_id` is required"):
        check_arguments(PARAMETERS, {})


@pytest.mark.parametrize("value", [math.nan, math.inf, True, False, "30", [30], {"s": 30}, 0, 3600.5, 10**40])
def test_what_is_no_number_within_the_limits_is_refused(value: object) -> None:
    with pytest.raises(Refused, match="`deadline_s` must be"):
        check_arguments(PARAMETERS, {"deadline_s": value, "exit_id": "x1"})


@pytest.mark.parametrize("value", [1, True, ["a"], {"a": 1}, "x" * 21, "two\nlines", "\x00"])
def test_what_is_no_short_plain_text_is_refused_without_being_repeated(value: object) -> None:
    with pytest.raises(Refused, match="`reason` must") as caught:
        check_arguments(PARAMETERS, {"reason": value, "exit_id": "x1"})
    assert repr(value) not in str(caught.value)


def test_the_published_schema_is_closed_and_agrees_with_the_check() -> None:
    schema = input_schema(PARAMETERS)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good: list[dict[str, object]] = [{"exit_id": "x1"}, {"exit_id": "x1", "deadline_s": 1, "reason": ""}]
    bad: list[dict[str, object]] = [
        {},
        {"exit_id": "x1", "dry_run": True},
        {"exit_id": 1},
        {"exit_id": "x1", "deadline_s": 0},
        {"exit_id": "x1", "reason": "x" * 21},
    ]
    for arguments in good:
        assert validator.is_valid(json.loads(json.dumps(arguments)))
        check_arguments(PARAMETERS, arguments)
    for arguments in bad:
        assert not validator.is_valid(arguments)
        with pytest.raises(Refused):
            check_arguments(PARAMETERS, arguments)
