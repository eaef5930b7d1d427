"""The reference page says what the server publishes."""

from pathlib import Path

from bastion.surfaces.mcp_server.reference import page
from bastion.surfaces.mcp_server.tools import TOOLS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "mcp.md"


def test_the_page_is_the_one_that_the_code_makes() -> None:
    told = "run `python -m bastion.surfaces.mcp_server.reference > docs/reference/mcp.md`"
    assert PAGE.read_text(encoding="utf-8") == page(), told


def test_the_page_names_every_tool_with_each_of_its_arguments() -> None:
    text = page()
    for tool in TOOLS:
        section = text.partition(f"### `{tool.name}` (")[2].partition("\n###")[0]
        assert tool.description in section
        assert all(f"| `{name}` |" in section for name in tool.parameters)
