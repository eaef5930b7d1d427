"""The OpenAPI document: valid, complete, and not contradicted by a fuzzer with every check on.

`BASTION_FUZZ_EXAMPLES` sets the examples an operation; the run in the suite is short.
"""

import asyncio
import os
import sys
from pathlib import Path

import jsonschema
import pytest

from bastion.paper.wire.strike.routes import routes
from tests.acceptance.strike_wire.conftest import ALICE
from tests.acceptance.strike_wire.world import World

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = os.environ.get("BASTION_FUZZ_EXAMPLES", "10")


async def test_the_document_names_every_route_and_every_status(world: World) -> None:
    document = (await world.get("/openapi.json")).body
    assert document["openapi"] == "3.1.0"
    table = routes(["BTC-USD"])
    assert {(route.path, route.method.lower()) for route in table} == {
        (path, method) for path, item in document["paths"].items() for method in item
    }
    exit_route = document["paths"]["/emergency-exit"]["post"]
    assert set(exit_route["responses"]) == {"200", "400", "401", "403", "429", "500"}
    assert exit_route["security"] == [{"privy": []}, {"apiKey": []}]


async def test_every_schema_of_the_document_is_a_schema(world: World) -> None:
    document = (await world.get("/openapi.json")).body
    for item in document["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                schema = response["content"]["application/json"]["schema"]
                jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.timeout(600)
async def test_a_fuzzer_with_every_check_on_finds_nothing(world: World, tmp_path: Path) -> None:
    await world.endow(1000)
    await world.deposit(ALICE, "1000000")
    for symbol in world.venue.settings.symbols:
        await world.tick("100", symbol)
    credentials = {**world.as_wallet(ALICE), **world.linked("did:privy:alice", ALICE)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", f"{world.url}/openapi.json", "--checks", "all", "--max-examples", EXAMPLES),
        *("--seed", "1", "--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
        *(part for name, value in credentials.items() for part in ("-H", f"{name}: {value}")),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(560):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode(errors="replace")[-8000:]
