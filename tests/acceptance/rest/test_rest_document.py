"""The OpenAPI document of the REST surface: complete, valid, and not contradicted by a fuzzer.

`BASTION_FUZZ_EXAMPLES` sets the examples an operation; the run in the suite is short.
"""

import asyncio
import os
import sys
from pathlib import Path

import jsonschema
import pytest

from bastion.surfaces.rest.routes import ROUTES
from tests.acceptance.rest.desk import RestDesk, desk_at

UNLIMITED = Path(__file__).with_name("unlimited.py")
CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("BASTION_FUZZ_EXAMPLES", "2")


def test_the_document_names_exactly_the_routes_of_the_table(paper_desk: RestDesk) -> None:
    document = paper_desk.ask("GET", "/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1.")
    assert {(route.path, route.method.lower()) for route in ROUTES} == {
        (path, method) for path, item in document["paths"].items() for method in item
    }


def test_only_the_health_check_asks_for_no_key(paper_desk: RestDesk) -> None:
    document = paper_desk.ask("GET", "/v1/openapi.json").json()
    open_paths = {
        path
        for path, item in document["paths"].items()
        for operation in item.values()
        if not operation["security"]
    }
    assert open_paths == {"/healthz"}


def test_every_schema_of_the_document_is_a_schema(paper_desk: RestDesk) -> None:
    document = paper_desk.ask("GET", "/v1/openapi.json").json()
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.timeout(600)
async def test_a_fuzzer_with_every_check_on_finds_nothing(tmp_path: Path) -> None:
    with desk_at(tmp_path, command=(sys.executable, str(UNLIMITED))) as desk:
        await _fuzz(desk, tmp_path)


async def _fuzz(desk: RestDesk, tmp_path: Path) -> None:
    key = desk.key("engine")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", f"{desk.served.address}/v1/openapi.json", "--checks", "all", "--max-examples", EXAMPLES),
        # A reading that waits for a venue's limits may take ten seconds, by our word, and an exit as long as
        # those limits hold up a look.
        *("--request-timeout", "40", "--max-response-time", "30"),
        *("--seed", "1", "--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
        *("-H", f"X-API-Key: {key}", "-H", f"Authorization: Bearer {key}"),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(560):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")
