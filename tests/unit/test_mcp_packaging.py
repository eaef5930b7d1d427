"""What hosts and registries read of bastion: server.json, and the manifest of the bundle."""

import json
import tomllib
from pathlib import Path

from bundle.build import build, project
from jsonschema import Draft202012Validator

from bastion.surfaces.mcp_server.clients import CARRIED

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SERVER = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
MANIFEST = json.loads((ROOT / "bundle" / "manifest.json").read_text(encoding="utf-8"))
VARIABLES = {"BASTION_API_KEY", *CARRIED}

# What the registry's schema of 2025-12-11 asks of the parts that we use, in our own words and closed.
TEXT = {"type": "string", "minLength": 1}
INPUT = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "description": TEXT,
        "isRequired": {"type": "boolean"},
        "isSecret": {"type": "boolean"},
        "format": {"enum": ["string", "number", "boolean", "filepath"]},
    },
    "required": ["name"],
    "additionalProperties": False,
}
PACKAGE = {
    "type": "object",
    "properties": {
        "registryType": {"enum": ["npm", "pypi", "oci", "nuget", "mcpb"]},
        "identifier": TEXT,
        # A version, and neither a range nor "latest".
        "version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "runtimeHint": {"enum": ["uvx"]},
        "transport": {"const": {"type": "stdio"}},
        "packageArguments": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"const": "positional"}, "value": TEXT},
                "required": ["type", "value"],
                "additionalProperties": False,
            },
        },
        "environmentVariables": {"type": "array", "items": INPUT},
    },
    "required": ["registryType", "identifier", "transport"],
    "additionalProperties": False,
}
REGISTRY = {
    "type": "object",
    "properties": {
        "$schema": {"const": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
        "name": {"type": "string", "pattern": r"^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$", "maxLength": 200},
        "title": {"type": "string", "minLength": 1, "maxLength": 100},
        "description": {"type": "string", "minLength": 1, "maxLength": 100},
        "version": {"type": "string", "maxLength": 255},
        "packages": {"type": "array", "items": PACKAGE, "minItems": 1},
    },
    "required": ["$schema", "name", "description", "version"],
    "additionalProperties": False,
}


def test_server_json_is_what_the_registry_takes() -> None:
    Draft202012Validator.check_schema(REGISTRY)
    Draft202012Validator(REGISTRY).validate(SERVER)


def test_server_json_names_this_version_and_the_variables_that_bastion_reads() -> None:
    package = SERVER["packages"][0]
    assert SERVER["version"] == package["version"] == PROJECT["version"]
    assert package["identifier"] == PROJECT["name"]
    variables = {entry["name"]: entry for entry in package["environmentVariables"]}
    assert set(variables) == VARIABLES
    assert [name for name, entry in variables.items() if entry["isSecret"]] == ["BASTION_API_KEY"]


def test_the_bundle_asks_for_the_key_as_a_secret_and_for_nothing_else_that_must_be_given() -> None:
    fields = MANIFEST["user_config"]
    assert [name for name, field in fields.items() if field.get("sensitive")] == ["api_key"]
    assert [name for name, field in fields.items() if field.get("required")] == ["api_key"]
    environment = MANIFEST["server"]["mcp_config"]["env"]
    assert set(environment) == VARIABLES
    assert set(environment.values()) == {f"${{user_config.{name}}}" for name in fields}
    assert MANIFEST["version"] == PROJECT["version"]


def test_the_bundle_depends_on_the_wheel_that_it_carries_and_on_no_package_of_that_name() -> None:
    told = tomllib.loads(project("1.2.3", ">=3.11", "bastion-1.2.3-py3-none-any.whl"))
    assert told["project"]["dependencies"] == ["bastion"]
    assert told["tool"]["uv"]["sources"]["bastion"] == {"path": "bastion-1.2.3-py3-none-any.whl"}


def test_the_official_tool_takes_the_bundle(tmp_path: Path) -> None:
    built = build(tmp_path / "bastion.mcpb")
    assert built.stat().st_size > 100_000
