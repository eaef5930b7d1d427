"""Mutation: break each line of what an exit hangs on, and see whether the tests notice; bars come last.

`python -m tests.mutation.run [MODULE ...] [--sample N] [--keep]` tries every mutant of each module, or so
many of them, always the same ones. What was tried stays in build/mutation for as long as neither the module
nor the tests that judged the mutant change. A mutant that survives must be argued in `argued.json`, with its
reason; the bar counts argued mutants as killed, and the line before it says how many they are.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import hypothesis
import pytest

from tests.mutation.court import (
    AT_IMPORT,
    FLAGS,
    NO_PYTHON,
    SURVIVED,
    TIMED_OUT,
    Beat,
    Court,
    Covering,
    Fate,
    forked,
    tried_afresh,
)
from tests.mutation.judges import JUDGES, LEFT_OUT
from tests.mutation.kept import Argued, Cache, Outcome, remember
from tests.mutation.mutants import Mutant, Subject

ROOT = Path(__file__).parents[2]
KILLED_LEAST = 0.90
SLOWEST_S = 1.0
AFRESH_CPU_S, AFRESH_WALL_S = 300, 300


class Trial:
    """All mutants of one module, tried."""

    def __init__(self, module: str, sample: int | None, slowest_s: float) -> None:
        """Choose the mutants: all, or so many as `sample` says."""
        self.module = module
        self.subject = Subject(ROOT / "src" / "bastion" / module)
        self._name = "bastion." + module.removesuffix(".py").replace("/", ".")
        every = self.subject.mutants
        few = every if sample is None else Random(module).sample(every, min(sample, len(every)))
        self.chosen = sorted(few, key=lambda one: (one.line, one.key))
        self._cache = Cache(module, self.subject.source, slowest_s)
        self._slowest_s = slowest_s
        self._reach: dict[str, Sequence[Covering]] = {}
        self.fates: dict[str, Fate] = {}

    def run(self) -> None:
        """Try what the cache does not know, and save what came of it."""
        said = forked(self._session, wall_s=24 * 3_600)
        assert isinstance(said, dict), "the tests that judge were ended from outside"
        self._reach = {
            file: tuple(Covering(**{**row, "lines": tuple(row["lines"])}) for row in rows)
            for file, rows in said["reach"].items()
        }
        self.fates = {key: Fate(**fate) for key, fate in said["fates"].items()}
        self._cache.learn(self._reach, self.fates)
        rows = [row for rows in self._reach.values() for row in rows if row.lines]
        quickest = {row.test: row.wall_s for row in sorted(rows, key=lambda row: row.cpu_s)}
        for mutant in self.chosen:
            if self.fates[mutant.key].fate == AT_IMPORT:
                self.fates[mutant.key] = self._tried_afresh(mutant, quickest)
                self._cache.learn(self._reach, self.fates)

    def _tried_afresh(self, mutant: Mutant, tests: Mapping[str, float]) -> Fate:
        said = forked(
            lambda beat: tried_afresh(self.subject, self._name, mutant, tests, beat),
            cpu_s=AFRESH_CPU_S,
            wall_s=AFRESH_WALL_S,
        )
        _progress()
        return Fate(fate=TIMED_OUT) if said is None else Fate(**said)

    def _session(self, _: Beat) -> object:
        fates: dict[str, Fate] = {}
        heard: dict[str, Sequence[Covering]] = {}

        def told(reached: Mapping[str, Sequence[Covering]]) -> Sequence[Mutant]:
            heard.update(reached)
            fates.update(self._cache.known(reached))
            return [one for one in self.chosen if one.key not in fates]

        def tell(mutant: Mutant, fate: Fate) -> None:
            fates[mutant.key] = fate
            self._cache.learn(heard, fates)
            _progress()

        court = Court(
            self.subject,
            self._name,
            slowest_s=self._slowest_s,
            known=self._cache.reach(),
            told=told,
            tell=tell,
        )
        code = pytest.main([*FLAGS, "-k", LEFT_OUT, *JUDGES[self.module]], plugins=[court])
        assert code == pytest.ExitCode.OK, f"pytest ends with {code} without any mutant"
        return {
            "reach": {
                file: [{f: getattr(row, f) for f in Covering.__dataclass_fields__} for row in rows]
                for file, rows in heard.items()
            },
            "fates": {
                one.key: {f: getattr(fates[one.key], f) for f in Fate.__dataclass_fields__}
                for one in self.chosen
            },
        }

    def outcome(self, argued: Argued, seconds: float) -> Outcome:
        """Return the figures, and the survivors by name."""
        readable = [one for one in self.chosen if self.fates[one.key].by != NO_PYTHON]
        survived = [one for one in readable if self.fates[one.key].fate == SURVIVED]
        names = {one.key: f"{one.operator}: {self.fates[one.key].change}" for one in survived}
        reasoned = [one for one in survived if argued.reason(self.module, names[one.key])]
        left = [one for one in survived if one not in reasoned]
        return Outcome(
            module=self.module,
            mutants=len(self.subject.mutants) - len(self.chosen) + len(readable),
            tried=len(readable),
            timed_out=sum(self.fates[one.key].fate == TIMED_OUT for one in readable),
            argued=len(reasoned),
            survivors=tuple(f"{one.line}: {names[one.key]}" for one in left),
            seconds=round(seconds),
            slowest_s=self._slowest_s,
        )


def _progress() -> None:
    sys.stderr.write(".")
    sys.stderr.flush()


def main(words: Sequence[str] | None = None) -> int:
    """Mutate what the command line names, or everything; 1 when a bar is short."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation.run", description=__doc__)
    parser.add_argument("modules", nargs="*", help="paths within the package, such as exits/verdict.py (all)")
    parser.add_argument("--sample", type=int, help="so many mutants of each module, always the same ones")
    parser.add_argument(
        "--slowest", type=float, default=SLOWEST_S, help="tests that take more seconds of CPU judge nothing"
    )
    parser.add_argument("--keep", action="store_true", help="keep the figures, for the page")
    chosen = parser.parse_args(words)
    os.chdir(ROOT)
    # So that the forks end with this process when somebody ends it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    hypothesis.settings.register_profile("court", database=None, derandomize=True, deadline=None)
    hypothesis.settings.load_profile("court")
    argued, bars, good = Argued.load(), list[str](), True
    for module in chosen.modules or JUDGES:
        began = time.monotonic()
        trial = Trial(module, chosen.sample, chosen.slowest)
        trial.run()
        outcome = trial.outcome(argued, time.monotonic() - began)
        for line in outcome.survivors:
            sys.stdout.write(f"{module}:{line}\n")
        sys.stdout.write(f"{outcome.summary}\n")
        sys.stdout.flush()
        if chosen.keep:
            remember(outcome)
        ok = outcome.share >= KILLED_LEAST
        good = good and ok
        figure = outcome.percent / 100
        bars.append(f"bar mutate_{outcome.name} {figure:.2f} >={KILLED_LEAST:.2f} {'ok' if ok else 'short'}")
    sys.stdout.write("\n".join(bars) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
