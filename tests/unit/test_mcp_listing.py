"""What tools/list publishes is fixed, truthful and reviewed: a change of it shows in the golden file."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from bastion.domain.principal import Scope
from bastion.errors import Refused
from bastion.surfaces.mcp_server.tool import Tool, Toolset
from bastion.surfaces.mcp_server.tools import TOOLS, offered, toolsets_of

GOLDEN = Path(__file__).with_name("mcp_tools_list.golden.json")
BY_NAME = {tool.name: tool for tool in TOOLS}
# Whether a tool only reads, destroys, may be repeated, and reaches beyond this machine (facts of the verbs).
READS, READS_HERE = (True, False, True, True), (True, False, True, False)
DESTROYS, DESTROYS_MORE = (False, True, True, True), (False, True, False, True)
HINTS = {
    "bastion_emergency_exit": DESTROYS,
    "bastion_kill_switch": DESTROYS,
    "bastion_halt": DESTROYS,
    "bastion_preview": READS,
    "bastion_exit_status": READS_HERE,
    "bastion_halt_status": READS_HERE,
    "bastion_certificate": READS_HERE,
    "bastion_get_positions": READS,
    "bastion_get_balance": READS,
    "bastion_get_exchanges": READS,
    "bastion_get_alerts": READS_HERE,
    "bastion_get_session_stats": READS,
    # Prices move: a repeated call closes others, or another part.
    "bastion_flatten_winners": DESTROYS_MORE,
    "bastion_partial_close": DESTROYS_MORE,
    "bastion_set_take_profit": DESTROYS,
    "bastion_set_stop_loss": DESTROYS,
    "bastion_move_to_breakeven": DESTROYS,
    "bastion_engine_status": READS_HERE,
    "bastion_engine_history": READS_HERE,
    "bastion_engine_start": (False, False, True, True),
    "bastion_engine_arm": DESTROYS,
    "bastion_engine_disarm": (False, False, True, False),
}
EACH_TOOL = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


def listing() -> list[dict[str, object]]:
    return [tool.listing().model_dump(mode="json", by_alias=True, exclude_none=True) for tool in TOOLS]


def test_the_list_is_the_reviewed_one() -> None:
    reviewed = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert listing() == reviewed, "read the difference after `python -m tests.unit.write_mcp_golden`"


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
    assert (
        hints.read_only_hint,
        hints.destructive_hint,
        hints.idempotent_hint,
        hints.open_world_hint,
    ) == HINTS[tool.name]


@EACH_TOOL
def test_a_tool_that_only_reads_says_so_and_no_other_does(tool: Tool) -> None:
    hints = tool.listing().annotations
    assert hints is not None
    assert hints.read_only_hint is (tool.act.scope is Scope.READ)
    assert not (hints.read_only_hint and hints.destructive_hint)


@EACH_TOOL
def test_the_scope_that_is_named_is_the_one_that_is_asked_for(tool: Tool) -> None:
    assert f"`{tool.act.scope.word}` scope" in tool.description.split(". ")[0]


@EACH_TOOL
def test_the_key_is_advised_against_as_an_argument_and_gone_where_it_is_not_needed(tool: Tool) -> None:
    properties = tool.listing().input_schema["properties"]
    assert "Leave it empty when the client was configured with a key" in properties["api_key"]["description"]
    assert "api_key" not in tool.listing(keyless=True).input_schema["properties"]


def test_every_tool_is_in_a_toolset_and_a_server_offers_only_what_was_named() -> None:
    assert all(tool.toolsets for tool in TOOLS)
    assert offered(toolsets_of(None)) == TOOLS
    for toolset in Toolset:
        assert all(toolset in tool.toolsets for tool in offered(toolsets_of(toolset.value)))


@pytest.mark.parametrize("words", ["exits", "", "exit,", "exit, everything"])
def test_a_toolset_that_does_not_exist_is_refused(words: str) -> None:
    if words == "exit,":
        assert toolsets_of(words) == {Toolset.EXIT}
        return
    with pytest.raises(Refused, match="the toolsets are exit, portfolio, trading, engine"):
        toolsets_of(words)


@EACH_TOOL
def test_both_schemas_are_valid_and_need_no_other_document(tool: Tool) -> None:
    for schema in (tool.listing().input_schema, tool.listing().output_schema):
        assert schema is not None
        Draft202012Validator.check_schema(schema)
        assert "$ref" not in json.dumps(schema)


@EACH_TOOL
def test_no_type_is_a_list_since_some_clients_know_single_types_only(tool: Tool) -> None:
    assert '"type": [' not in json.dumps(tool.listing().output_schema)


def test_the_official_lint_of_descriptions_has_nothing_to_say(tmp_path: Path) -> None:
    listed = tmp_path / "tools.json"
    listed.write_text(json.dumps({"tools": listing()}), encoding="utf-8")
    command = [sys.executable, "-m", "tdqs", "lint", "--file", str(listed), "--fail-on", "warning"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert f"{len(TOOLS)} tools" in done.stdout
    assert "0 errors, 0 warnings" in done.stdout
