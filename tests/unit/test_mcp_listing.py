"""What tools/list publishes is fixed, truthful and reviewed: a change of it shows in the golden file."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bastion.surfaces.mcp_server.tools import TOOLS, Tool

GOLDEN = Path(__file__).with_name("mcp_tools_list.golden.json")
BY_NAME = {tool.name: tool for tool in TOOLS}
EACH_TOOL = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


def listing() -> list[dict[str, object]]:
    return [tool.listing().model_dump(mode="json", by_alias=True, exclude_none=True) for tool in TOOLS]


def test_the_list_is_the_reviewed_one() -> None:
    assert listing() == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_exit_takes_nothing_that_it_must_be_given() -> None:
    schema = BY_NAME["bastion_emergency_exit"].listing().input_schema
    assert "required" not in schema
    assert schema["additionalProperties"] is False


@EACH_TOOL
def test_every_parameter_and_tool_is_described(tool: Tool) -> None:
    assert len(tool.description) > 100
    for parameter in tool.parameters.values():
        assert len(parameter.description) > 20


@EACH_TOOL
def test_the_first_sentence_names_the_scope(tool: Tool) -> None:
    first = tool.description.split(". ")[0]
    assert re.search(r"`(read|trade|engine)` scope", first)


@EACH_TOOL
def test_only_tools_that_exist_are_named(tool: Tool) -> None:
    texts = [tool.description, *(parameter.description for parameter in tool.parameters.values())]
    named = {name for text in texts for name in re.findall(r"bastion_[a-z_]+", text)}
    assert named <= set(BY_NAME)


@EACH_TOOL
def test_the_four_hints_are_set(tool: Tool) -> None:
    hints = tool.listing().annotations
    assert hints is not None
    assert hints.read_only_hint is (tool.name != "bastion_emergency_exit")
    assert hints.destructive_hint is (tool.name == "bastion_emergency_exit")
    assert hints.idempotent_hint is True
    assert hints.open_world_hint is (tool.name != "bastion_exit_status")


@EACH_TOOL
def test_both_schemas_are_valid_and_need_no_other_document(tool: Tool) -> None:
    for schema in (tool.listing().input_schema, tool.listing().output_schema):
        assert schema is not None
        Draft202012Validator.check_schema(schema)
        assert "$ref" not in json.dumps(schema)


@EACH_TOOL
def test_no_type_is_a_list_since_some_clients_know_single_types_only(tool: Tool) -> None:
    assert '"type": [' not in json.dumps(tool.listing().output_schema)
