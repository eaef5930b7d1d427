"""Court: the tests that judge mutants, collected once, and a fork of that process for each mutant.

The fork has everything imported. It puts the broken code into the loaded functions and runs the tests that
reach the broken statement until one fails: first those that killed most others, then the quickest. What is
decided at import is tried in a fork of a process that has imported nothing of the package.
"""

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from types import FunctionType
from typing import Any

import pytest

from tests.mutation.marks import Finder, begin, marked
from tests.mutation.mutants import Mutant, Subject
from tests.mutation.swap import NotSwappable, functions_of, swap

NO_PYTHON = "no Python"
"""What some operators make, as of the star before keyword arguments, cannot be read: that is no mutant."""
KILLED, SURVIVED, TIMED_OUT, AT_IMPORT = "killed", "survived", "timed out", "at import"
CPU_FACTOR, CPU_LEAST_S = 6, 10
WALL_FACTOR, WALL_LEAST_S = 20, 15
"""Far more than a test needs: a mutant that dies of a busy machine would count as killed."""
Beat = Callable[[float], None]
"""Tells who waits for a fork that so many seconds may pass until its next word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """What one test reaches: the CPU and real seconds it takes, and the lines of the module."""

    test: str
    cpu_s: float
    wall_s: float
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How a mutant fared, which test ended it, and the words of its change."""

    fate: str
    by: str = ""
    change: str = ""


def forked(work: Callable[[Beat], object], *, cpu_s: float | None = None, wall_s: float = 3_600) -> Any:  # noqa: ANN401 - JSON
    """Do work in a fork of this process and return what it said (as JSON); None where it died of its limits.

    `wall_s` may pass until it says anything; from then on it says itself how long it may be silent. So what
    waits for ever in one test is ended soon, however long all tests together may take.

    Raises:
        RuntimeError: it ended by itself and said nothing.
    """
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os.setsid()
        _quiet()
        if cpu_s is not None:
            limit = int(cpu_s) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        _say(work, theirs)
    os.close(theirs)
    try:
        said = _heard(ours, wall_s)
    finally:
        # Whatever it started, and itself where it hangs, ends with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if said is None or (not said and os.WIFSIGNALED(status)):
        return None
    answer: dict[str, Any] = json.loads(said)
    if "broke" in answer:
        raise RuntimeError(answer["broke"])
    return answer["said"]


def _heard(pipe: int, wall_s: float) -> bytes | None:
    """Return the last line, each before it being a beat; None where the time was up."""
    said, ends = b"", time.monotonic() + wall_s
    with os.fdopen(pipe, "rb") as back:
        while (left := ends - time.monotonic()) > 0 and select.select([back], [], [], left)[0]:
            piece = os.read(back.fileno(), 1 << 16)
            if not piece:
                return said
            *beats, said = (said + piece).split(b"\n")
            if beats:
                ends = time.monotonic() + float(beats[-1])
    return None


def _say(work: Callable[[Beat], object], pipe: int) -> None:
    def beat(seconds: float) -> None:
        os.write(pipe, b"%.3f\n" % seconds)

    try:
        try:
            answer = {"said": work(beat)}
        except BaseException:  # noqa: BLE001 - the process that waits must hear of anything
            answer = {"broke": traceback.format_exc()}
        with os.fdopen(pipe, "w") as out:
            json.dump(answer, out)
    finally:
        os._exit(0)


def _quiet() -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(null, stream)
    os.close(null)


class Court:
    """A pytest plugin that tries the mutants of one module, instead of running what was collected once."""

    def __init__(
        self,
        subject: Subject,
        module: str,
        *,
        slowest_s: float,
        known: Mapping[str, Sequence[Covering]],
        told: Callable[[Mapping[str, Sequence[Covering]]], Sequence[Mutant]],
        tell: Callable[[Mutant, Fate], None],
    ) -> None:
        """Try the mutants that `told` names once it heard what the tests reach; `known` are old reaches.

        Tests that take more than `slowest_s` of CPU judge nothing: every survivor would take them all. The
        module must not be loaded yet: from now on this process finds it with marks.
        """
        self._subject = subject
        self._module = module
        self._slowest_s = slowest_s
        self._known = known
        self._told = told
        self._tell = tell
        self._failed = ""
        self._kills: Counter[str] = Counter()
        self._importing = begin()
        sys.meta_path.insert(0, Finder(module, subject.path, marked(subject.source, subject.path)))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try every mutant."""
        if session.testsfailed:
            raise session.Interrupted("the tests could not be collected")
        seen_at_import = set(self._importing)
        items = {item.nodeid: item for item in session.items}
        reached: dict[str, Sequence[Covering]] = {}
        for file in dict.fromkeys(_file(name) for name in items):
            reached[file] = self._known.get(file) or self._reach(
                [items[name] for name in items if _file(name) == file]
            )
        functions = functions_of(self._module)
        # What is there now is shared by the forks for as long as no collector touches it.
        gc.freeze()
        rows = [
            one
            for rows in reached.values()
            for one in rows
            if one.test in items and one.cpu_s <= self._slowest_s
        ]
        for mutant in self._told(reached):
            if mutant.at_import or mutant.statement in seen_at_import:
                self._tell(mutant, Fate(fate=AT_IMPORT))
                continue
            # What killed others nearby kills the next one too, more often than not.
            reach = sorted(
                (row for row in rows if mutant.statement in row.lines),
                key=lambda row: (-self._kills[row.test], quickness(row)),
            )
            chosen = [items[one.test] for one in reach]
            patience = [WALL_LEAST_S + WALL_FACTOR * one.wall_s for one in reach]
            said = forked(
                partial(self._try, mutant, functions, chosen, patience),
                cpu_s=CPU_LEAST_S + CPU_FACTOR * sum(one.cpu_s for one in reach),
            )
            fate = Fate(fate=TIMED_OUT) if said is None else Fate(**said)
            self._kills[fate.by] += fate.fate == KILLED
            self._tell(mutant, fate)
        return True

    def pytest_internalerror(self, excrepr: object) -> None:
        """Say what broke where no test failed; the terminal of this process is silent."""
        sys.stderr.write(f"{excrepr}\n")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember the first test that failed."""
        if report.failed and not self._failed:
            self._failed = f"{report.nodeid}\n{report.longreprtext[-2000:]}"

    def _reach(self, items: Sequence[pytest.Item]) -> Sequence[Covering]:
        said = forked(lambda _: [asdict(one) for one in self._cover(items)])
        assert isinstance(said, list)
        failed = [row for row in said if row["test"].startswith("failed ")]
        if failed:
            raise pytest.UsageError(f"Tests fail without any mutant: {failed[0]['test']}")
        return tuple(Covering(**{**row, "lines": tuple(row["lines"])}) for row in said)

    def _cover(self, items: Sequence[pytest.Item]) -> Iterator[Covering]:
        for item, after in _pairs(items):
            lines = begin()
            cpu, wall = time.process_time(), time.monotonic()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
            yield Covering(
                test=f"failed {self._failed}" if self._failed else item.nodeid,
                cpu_s=round(time.process_time() - cpu, 3),
                wall_s=round(time.monotonic() - wall, 3),
                lines=tuple(sorted(lines)),
            )

    def _try(
        self,
        mutant: Mutant,
        functions: Mapping[tuple[str, int], list[FunctionType]],
        items: Sequence[pytest.Item],
        patience_s: Sequence[float],
        beat: Beat,
    ) -> object:
        change = ""
        try:
            broken = self._subject.broken(mutant)
            change = self._subject.change(mutant, broken)
            swap(functions, str(self._subject.path), self._subject.source, broken)
        except NotSwappable:
            return asdict(Fate(fate=AT_IMPORT, change=change))
        except SyntaxError:
            return asdict(Fate(fate=KILLED, by=NO_PYTHON, change=change))
        for (item, after), seconds in zip(_pairs(items), patience_s, strict=True):
            beat(seconds)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
            if self._failed:
                # What the tests share is taken down in order, so that no process of theirs is left.
                with contextlib.suppress(BaseException):
                    item.session._setupstate.teardown_exact(None)
                return asdict(Fate(fate=KILLED, by=self._failed.splitlines()[0], change=change))
        return asdict(Fate(fate=SURVIVED, by="" if items else "no test reaches it", change=change))


def _pairs(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    after: list[pytest.Item | None] = [*items[1:], None]
    return zip(items, after, strict=False)


def _file(test: str) -> str:
    return test.split("::", 1)[0]


def quickness(one: Covering) -> tuple[int, str, float]:
    """Return the place of a test: the quick before the slow, and within that file by file."""
    tier = 0 if one.cpu_s < 0.02 else 1 if one.cpu_s < 0.2 else 2
    return tier, _file(one.test), one.cpu_s


def tried_afresh(
    subject: Subject, module: str, mutant: Mutant, tests: Mapping[str, float], beat: Beat
) -> object:
    """Try a mutant in this process, which has imported nothing of the package, and return its fate.

    Of each test it is said how many seconds it takes.
    """
    change = ""
    try:
        broken = subject.broken(mutant)
        change = subject.change(mutant, broken)
        broken_code = compile(broken, str(subject.path), "exec")
    except SyntaxError:
        return asdict(Fate(fate=KILLED, by=NO_PYTHON, change=change))
    sys.meta_path.insert(0, Finder(module, subject.path, broken_code))
    first = _First(tests, beat)
    code = pytest.main([*FLAGS, "-x", *dict.fromkeys(_file(test) for test in tests)], plugins=[first])
    if code == pytest.ExitCode.OK:
        return asdict(Fate(fate=SURVIVED, change=change))
    return asdict(Fate(fate=KILLED, by=first.failed or f"pytest ends with {code}", change=change))


class _First:
    """Runs the named tests in their order, and remembers the first that failed."""

    def __init__(self, tests: Mapping[str, float], beat: Beat) -> None:
        self._places = {test: place for place, test in enumerate(tests)}
        self._takes_s, self._beat = tests, beat
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        known = [item for item in items if item.nodeid in self._places]
        items[:] = sorted(known, key=lambda item: self._places[item.nodeid])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._beat(WALL_LEAST_S + WALL_FACTOR * self._takes_s.get(nodeid, 0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = f"{report.nodeid} cannot be collected"


FLAGS = (
    *("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--capture=sys", "-o", "timeout=3600"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is imported before pytest starts
)
