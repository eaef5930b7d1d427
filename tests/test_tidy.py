"""The rules of the house that no linter knows: sizes, names, and what never stands in the repository."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.run_order import FIRST

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "bastion"
MODULES = sorted(SOURCE.rglob("*.py"))
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
REFUSED_NAMES = re.compile(r"(^|_)(util|utils|helper|helpers|manager|managers|common|base|misc)(_|$)")
PURE = (
    "domain",
    "exits/plan.py",
    "exits/ladder.py",
    "exits/verdict.py",
    "exits/progress.py",
    "exits/report.py",
    "exits/certificate.py",
    "exits/last_rung.py",
    "exits/refund_decision.py",
    "exits/resolve.py",
)
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".json", ".sql", ".yml", ".yaml", ".in", ".cfg", ""}


def tracked_files() -> list[Path]:
    """Every file that git tracks or would track, so that a fresh file is checked before its first commit."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_there_are_modules_to_check() -> None:
    assert len(MODULES) > 20


def test_the_files_that_start_first_exist() -> None:
    assert [name for name in FIRST if not (ROOT / "tests" / name).is_file()] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_is_small_has_a_fitting_name_and_small_functions(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= MODULE_LINES_MAX, f"{lines} lines; split it along what changes together"
    assert not REFUSED_NAMES.search(path.stem), "name the module after what it holds"
    for node in functions(ast.parse(text)):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_opens_with_its_noun_and_one_line(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring, "say in one line what this module is"
    assert not docstring.splitlines()[0].lower().startswith(("this module", "module"))


@pytest.mark.parametrize("room", PURE)
def test_the_pure_rooms_import_no_event_loop_and_no_third_party(room: str) -> None:
    place = SOURCE / room
    paths = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    allowed_roots = {"bastion", "dataclasses", "decimal", "enum", "typing", "collections", "functools"}
    allowed_roots |= {"itertools", "operator", "hashlib", "base64", "math", "re", "datetime", "json"}
    assert paths
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] in allowed_roots, f"{path.name} imports {name}"


def test_broad_excepts_stand_only_where_a_comment_says_why() -> None:
    for path in MODULES:
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if re.search(r"except (Base)?Exception\b", line):
                assert "noqa: BLE001 - " in line, f"{path.name}:{number + 1}"


def test_nothing_is_raised_in_an_except_star_which_old_pythons_would_hand_on_in_a_group() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for handler in node.handlers if isinstance(node, ast.TryStar) else []:
                assert not any(isinstance(inner, ast.Raise) for inner in ast.walk(handler)), (
                    f"{path.name}:{handler.lineno}"
                )


def test_nothing_is_left_to_do_and_nothing_of_a_machine_stands_in_the_repository() -> None:
    marks = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    hosts = re.compile(
        "|".join(
            (
                r"(extra-)?index-" + r"url",
                r"files\.python" + r"hosted",
                r"py" + r"pi\.org/simple",
                r"registry\.npm" + r"js",
            )
        )
    )
    homes = re.compile(r"/(root|home/[a-z]+|work)/(?!\.\.)[a-z]")
    for path in tracked_files():
        if path.suffix not in TEXT_SUFFIXES or path == Path(__file__).resolve():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for name, pattern in (("a mark", marks), ("a registry host", hosts), ("a home path", homes)):
            found = pattern.search(text)
            assert found is None, f"{path.relative_to(ROOT)} holds {name}: {found.group(0) if found else ''}"


def test_every_noqa_names_its_rule_and_its_reason() -> None:
    for path in MODULES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if "noqa" in line:
                assert re.search(r"# noqa: [A-Z]+\d+(, ?[A-Z]+\d+)* - `?\w", line), f"{path.name}:{number}"


def test_the_lock_files_pin_every_requirement_with_hashes() -> None:
    for name in ("run.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert len(requirements) > 30
        assert all("==" in line for line in requirements)
        assert text.count("--hash=sha256:") >= len(requirements)


def test_the_version_stands_in_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
