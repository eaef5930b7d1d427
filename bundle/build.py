"""Build: makes dist/bastion.mcpb from this very source, and has the official tool judge it.

The bundle carries bastion's own wheel, so that no package of that name is fetched from anywhere.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tests.clients.install import ensure_clients, environment, node

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "bundle"
TARGET = ROOT / "dist" / "bastion.mcpb"
TOOL = Path("@anthropic-ai/mcpb/dist/cli/cli.js")
RUN_S = 300


def project(version: str, python: str, wheel: str) -> str:
    """Return the bundle's pyproject.toml: one dependency, which lies beside it."""
    return (
        f'[project]\nname = "bastion-bundle"\nversion = "{version}"\nrequires-python = "{python}"\n'
        f'dependencies = ["bastion"]\n\n[tool.uv]\npackage = false\n\n'
        f'[tool.uv.sources]\nbastion = {{ path = "{wheel}" }}\n'
    )


def stage(folder: Path) -> None:
    """Lay out the bundle's files in the folder."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*command, "--wheel-dir", str(folder), str(ROOT)])
    wheel = next(folder.glob("bastion-*.whl"))
    manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    manifest["version"] = told["version"]
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    text = project(told["version"], told["requires-python"], wheel.name)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    shutil.copy(HERE / "server.py", folder / "server.py")


def tool(*arguments: str) -> str:
    """Run the official bundle tool and return what it said."""
    return run([node(), str(ensure_clients() / TOOL), *arguments])


def run(command: list[str]) -> str:
    """Run a command to its good end.

    Raises:
        RuntimeError: it failed; its last lines stand in the text.
    """
    done = subprocess.run(  # noqa: S603 - our own tools, with paths of our own
        command, env=environment(), capture_output=True, text=True, timeout=RUN_S, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def build(target: Path) -> Path:
    """Build the bundle at the target, judged by the official tool before and after packing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        stage(place)
        tool("validate", str(place / "manifest.json"))
        tool("pack", str(place), str(target))
    tool("info", str(target))
    return target


if __name__ == "__main__":
    built = build(TARGET)
    sys.stdout.write(f"{built.relative_to(ROOT)} {built.stat().st_size} bytes\n")
