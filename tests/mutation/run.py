"""Mutation: break each line of what an exit hangs on, and see whether the tests notice; bars come last.

`python -m tests.mutation.run [MODULE ...] [--sample N]` works on a copy of the tree. Mutants inside of
annotations and decorators are left out: most of them die at import, which would flatter the figure. A mutant
that survives must be argued in `argued.json`, each with its reason; the bar counts those that are not.
"""

import argparse
import ast
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[2]
ARGUED = Path(__file__).parent / "argued.json"
SURVIVED_MAX = 0.10
SIMULATION = "tests/simulation/exits/test_simulated_exits.py"
SIMULATED = (
    f"{SIMULATION}::test_where_those_faults_coincide_no_rule_breaks",
    f"{SIMULATION}::test_a_calm_exit_needs_no_round_trip_too_many",
    f"{SIMULATION}::test_no_rule_breaks_in_any_world_that_is_aimed_at_a_cell",
)
EXITS = ("tests/unit/exits", *SIMULATED)
TIMEOUT_S = 600
"""Longer than the tests ever take: a mutant that only times out on a busy machine would count as killed."""

JUDGES: dict[str, tuple[str, ...]] = {
    "exits/verdict.py": EXITS,
    "exits/resolve.py": EXITS,
    "exits/ladder.py": EXITS,
    "exits/progress.py": EXITS,
    "exits/plan.py": EXITS,
    "exits/books.py": EXITS,
    "exits/pace.py": EXITS,
    "storage/spool.py": ("tests/integration/exits/test_sqlite_journal.py", *SIMULATED),
    "storage/sqlite.py": ("tests/integration/exits/test_sqlite_journal.py",),
    "storage/chain.py": ("tests/integration/exits/test_sqlite_journal.py",),
    "venues/gate/rules.py": ("tests/unit/test_gate_rules.py", "tests/conformance/gate"),
    "venues/gate/binance.py": ("tests/unit/test_gate_rules.py", "tests/conformance/gate"),
    "venues/gate/bybit.py": ("tests/unit/test_gate_rules.py", "tests/conformance/gate"),
    "venues/gate/okx.py": ("tests/unit/test_gate_rules.py", "tests/conformance/gate"),
    "venues/gate/hyperliquid.py": ("tests/unit/test_gate_rules.py", "tests/conformance/gate"),
    "venues/ccxt/binance_rows.py": ("tests/unit/test_venue_rows.py",),
    "venues/ccxt/bybit_rows.py": ("tests/unit/test_venue_rows.py",),
    "venues/ccxt/okx_rows.py": ("tests/unit/test_venue_rows.py",),
}
"""What is broken, by its path in the package, and the tests that must notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One mutant and its fate."""

    operator: str
    line: int
    text: str
    killed: bool

    @property
    def name(self) -> str:
        """What an argument for it names: the operator and the line's own words."""
        return f"{self.operator}: {self.text}"


def run(module: str, sample: int | None, *, keep: Path) -> tuple[int, list[Mutant]]:
    """Return how many mutants a module has, and the fate of those that were tried."""
    tree = keep / "tree"
    for name in ("src", "tests", "pyproject.toml", "docs"):
        source = ROOT / name
        ignore = shutil.ignore_patterns("__pycache__", ".python-*", "node_modules")
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignore, dirs_exist_ok=True)
        else:
            shutil.copy(source, tree / name)
    path = tree / "src" / "bastion" / module
    config, session = keep / "mutate.toml", keep / "session.sqlite"
    judge = " ".join(JUDGES[module])
    config.write_text(
        f"""[cosmic-ray]
module-path = "{path}"
timeout = {TIMEOUT_S}.0
excluded-modules = []
test-command = "{sys.executable} -B -m pytest -x -q -p no:cacheprovider {judge}"

[cosmic-ray.distributor]
name = "local"
"""
    )
    # Where the tests fail as they are, every mutant would count as killed.
    _cosmic("baseline", str(config), cwd=tree)
    _cosmic("init", str(config), str(session), cwd=tree)
    total = _choose(session, path, sample)
    _cosmic("exec", str(config), str(session), cwd=tree)
    return total, list(_fates(session, path, tree))


def _cosmic(*words: str, cwd: Path) -> str:
    program = Path(sys.executable).parent / "cosmic-ray"
    environment = {"PYTHONPATH": f"{cwd / 'src'}:{cwd}", "PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    done = subprocess.run(
        [str(program), *words], cwd=cwd, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def _choose(session: Path, path: Path, sample: int | None) -> int:
    spared = _spared_lines(path)
    with sqlite3.connect(session) as rows:
        found = rows.execute("SELECT job_id, start_pos_row FROM mutation_specs").fetchall()
        jobs = sorted(job for job, line in found if line not in spared)
        kept = set(jobs if sample is None else Random(path.name).sample(jobs, min(sample, len(jobs))))
        for job, _ in found:
            if job not in kept:
                rows.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
                rows.execute("DELETE FROM work_items WHERE job_id = ?", (job,))
    rows.close()
    return len(jobs)


def _spared_lines(path: Path) -> set[int]:
    spared: set[int] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        parts: list[ast.expr] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            parts.extend(node.decorator_list)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            parts.append(node.returns)
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            parts.append(node.annotation)
        for part in parts:
            spared.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return spared


def _fates(session: Path, path: Path, tree: Path) -> Iterator[Mutant]:
    lines = path.read_text().splitlines()
    for line in _cosmic("dump", str(session), cwd=tree).splitlines():
        item, result = json.loads(line)
        if result is None:
            continue
        spec = item["mutations"][0]
        row = spec["start_pos"][0]
        yield Mutant(
            operator=spec["operator_name"].removeprefix("core/"),
            line=row,
            text=lines[row - 1].strip(),
            killed=str(result["test_outcome"]).lower() != "survived",
        )


def main() -> int:
    """Mutate what the command line names, or everything; 1 when a bar is short."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run", description=__doc__)
    parser.add_argument("modules", nargs="*", help="paths within the package, such as exits/verdict.py (all)")
    parser.add_argument("--sample", type=int, help="so many mutants of each module, always the same ones")
    chosen = parser.parse_args()
    argued: dict[str, dict[str, str]] = json.loads(ARGUED.read_text())
    bars, good = [], True
    for module in chosen.modules or JUDGES:
        with tempfile.TemporaryDirectory() as keep:
            total, fates = run(module, chosen.sample, keep=Path(keep))
        reasons = argued.get(module, {})
        survivors = [one for one in fates if not one.killed]
        open_ = [one for one in survivors if one.name not in reasons]
        for one in open_:
            print(f"{module}:{one.line} survived {one.name}")  # noqa: T201 - a program
        print(  # noqa: T201 - a program
            f"{module}: {len(fates)} of {total} mutants tried, {len(fates) - len(survivors)} killed,"
            f" {len(survivors) - len(open_)} argued, {len(open_)} survived",
            flush=True,
        )
        share = len(open_) / len(fates) if fates else 1.0
        short = share > SURVIVED_MAX
        good = good and not short
        name = module.removesuffix(".py").replace("/", "_")
        bars.append(
            f"bar mutants_{name}_survived_share {share:.2f} <={SURVIVED_MAX:.2f} {'short' if short else 'ok'}"
        )
    print("\n".join(bars))  # noqa: T201 - a program
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
