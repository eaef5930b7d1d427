"""What the tests of the gauntlet share: the command, and bastion's own exit in every scenario."""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest

from bastion.surfaces.schemas import schema_text
from tests.acceptance.cli.rig import PROGRAM

RUN_S = 540
Run = Mapping[str, Any]


def gauntlet(*arguments: str, code: int | None = None) -> Any:  # noqa: ANN401 - JSON
    """Run `bastion gauntlet --json ...` and return its document, checked against the published schema."""
    done = subprocess.run(
        [PROGRAM, "gauntlet", "--json", *arguments],
        env={**os.environ, "BASTION_CONFIG": "no-such-file"},
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.stdout, done.stderr
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(schema_text("gauntlet")), jsonschema.Draft202012Validator)
    if code is not None:
        assert done.returncode == code, document
    return document


@pytest.fixture(scope="session")
def ours() -> Mapping[str, Run]:
    """Bastion's own exit: every scenario, each at one venue by turns."""
    command = (PROGRAM, "exit", "--now", "--json", "--standalone")
    document = gauntlet("--by-turns", "--jobs", "3", "--", *command)
    return {run["scenario"]: run for run in document["runs"]}
