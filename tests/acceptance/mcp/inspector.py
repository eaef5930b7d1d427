"""Inspector: the protocol's own command-line client, run as it is published."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clients.install import ensure_clients, environment, node

RUN_S = 180
# A busy machine takes longer to start a server than the inspector would wait by itself.
PATIENT = ("--connect-timeout", "60000")
LAUNCHER = Path("@modelcontextprotocol/inspector/clients/launcher/build/index.js")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What one run of the inspector came to: exit code 0 is good, 5 an error answer of the tool."""

    code: int
    document: dict[str, object]
    stderr: str

    @property
    def result(self) -> dict[str, object]:
        """The protocol's result."""
        result = self.document["result"]
        assert isinstance(result, dict), self.document
        return result

    @property
    def answer(self) -> dict[str, object]:
        """The JSON in the first text block."""
        content = self.result["content"]
        assert isinstance(content, list), self.document
        answer = json.loads(content[0]["text"])
        assert isinstance(answer, dict)
        return answer


def inspect(
    target: Sequence[str], *options: str, home: Path, variables: Mapping[str, str] | None = None
) -> Inspected:
    """Run the inspector once against a URL, or a command that it starts with these variables."""
    launcher = ensure_clients() / LAUNCHER
    given = [item for name, value in (variables or {}).items() for item in ("-e", f"{name}={value}")]
    done = subprocess.run(
        [node(), str(launcher), "--cli", *target, *given, *options, *PATIENT, "--format", "json"],
        env=environment(HOME=str(home)),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    try:
        document = json.loads(done.stdout)
    except json.JSONDecodeError:
        document = {}
    return Inspected(code=done.returncode, document=document, stderr=done.stderr)
