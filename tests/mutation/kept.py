"""Kept: what was tried before, what was argued, and the figures of the last whole runs."""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.mutation.court import AT_IMPORT, SURVIVED, Covering, Fate

ROOT = Path(__file__).parents[2]
ARGUED = Path(__file__).parent / "argued.json"
FIGURES = Path(__file__).parent / "figures.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The figures of one module; `argued` of its survivors are equivalent, by a reason that is kept.

    Tests that take more than `slowest_s` seconds of CPU judged nothing.
    """

    module: str
    mutants: int
    tried: int
    timed_out: int
    argued: int
    survivors: tuple[str, ...]
    seconds: int
    slowest_s: float

    @property
    def killed(self) -> int:
        """How many the tests ended."""
        return self.tried - self.argued - len(self.survivors)

    @property
    def share(self) -> float:
        """The share of the tried mutants that are killed or argued."""
        return (self.killed + self.argued) / self.tried if self.tried else 0.0

    @property
    def percent(self) -> int:
        """The share in per cent, rounded down, so that what is short never looks as if it were not."""
        return int(self.share * 100)

    @property
    def name(self) -> str:
        """The module in a bar."""
        return self.module.removesuffix(".py").removeprefix("exits/").replace("/", "_")

    @property
    def summary(self) -> str:
        """The figures in one line."""
        return (
            f"{self.module}: {self.tried} of {self.mutants} mutants tried, {self.killed} killed"
            f" ({self.timed_out} by their time), {self.argued} argued, {len(self.survivors)} survived,"
            f" {self.seconds} s"
        )


class Argued:
    """The survivors that change nothing, each by its name or with its like, and the reason."""

    def __init__(self, raw: Mapping[str, Mapping[str, str]]) -> None:
        """Read the reasons by module; `*` holds for all, and each name is a regular expression there."""
        self._raw = raw

    @classmethod
    def load(cls) -> "Argued":
        """Return what the file keeps."""
        return cls(json.loads(ARGUED.read_text()))

    def reason(self, module: str, name: str) -> str | None:
        """Return why this survivor is none, or None."""
        exact = self._raw.get(module, {}).get(name)
        if exact is not None:
            return exact
        alike = self._raw.get("*", {}).items()
        return next((reason for pattern, reason in alike if re.fullmatch(pattern, name)), None)


class Cache:
    """The fates of a module's mutants, by the text of the module and of the tests."""

    def __init__(self, module: str, source: str, slowest_s: float) -> None:
        """Open what is known of this text of the module, by tests that take no longer than that."""
        self._slowest_s = slowest_s
        self._path = ROOT / "build" / "mutation" / f"{module.replace('/', '.')}.json"
        self._source = hashlib.sha256(source.encode()).hexdigest()
        raw = json.loads(self._path.read_text()) if self._path.exists() else {}
        self._raw: dict[str, Any] = raw if raw.get("module") == self._source else {}

    def reach(self) -> dict[str, Sequence[Covering]]:
        """Return what the tests reach, of those files that are as they were."""
        kept = self._raw.get("reach", {})
        return {
            file: tuple(Covering(**{**row, "lines": tuple(row["lines"])}) for row in rows)
            for file, (digest, rows) in kept.items()
            if digest == _digest(file)
        }

    def known(self, reached: Mapping[str, Sequence[Covering]]) -> dict[str, Fate]:
        """Return the fates that still hold: of the killed while the test that did it is as it was."""
        return dict(self._known(reached))

    def _known(self, reached: Mapping[str, Sequence[Covering]]) -> Iterator[tuple[str, Fate]]:
        every = self._judges(reached)
        for key, (digest, raw) in self._raw.get("fates", {}).items():
            fate = Fate(**raw)
            if _by(fate) and _by(fate) not in reached:
                continue  # What killed it judges no more.
            if digest == (every if fate.fate == SURVIVED or not _by(fate) else _digest(_by(fate))):
                yield key, fate

    def learn(self, reached: Mapping[str, Sequence[Covering]], fates: Mapping[str, Fate]) -> None:
        """Write down what is known now."""
        every = self._judges(reached)
        raw = {
            "module": self._source,
            "reach": {file: [_digest(file), [asdict(row) for row in rows]] for file, rows in reached.items()},
            "fates": {
                **self._raw.get("fates", {}),
                **{
                    key: [
                        every if fate.fate == SURVIVED or not _by(fate) else _digest(_by(fate)),
                        asdict(fate),
                    ]
                    for key, fate in fates.items()
                    if fate.fate != AT_IMPORT
                },
            },
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(raw))
        fresh.replace(self._path)

    def _judges(self, reached: Mapping[str, Sequence[Covering]]) -> str:
        parts = [str(self._slowest_s), *(_digest(file) for file in sorted(reached))]
        return hashlib.sha256("".join(parts).encode()).hexdigest()


def _by(fate: Fate) -> str:
    file = fate.by.split("::", 1)[0]
    return file if file.endswith(".py") else ""


@cache
def _digest(file: str) -> str:
    # A test's neighbours that are no tests are parts of it.
    path = ROOT / file
    parts = [path, *sorted(one for one in path.parent.glob("*.py") if not one.name.startswith("test_"))]
    text = b"".join(part.read_bytes() for part in parts if part.exists())
    return hashlib.sha256(text).hexdigest()


def remember(outcome: Outcome) -> None:
    """Keep the figures of a module, in place of those before, with the date."""
    raw = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    date = dt.datetime.now(dt.UTC).date().isoformat()
    raw[outcome.module] = {"date": date, **asdict(outcome)}
    FIGURES.write_text(json.dumps(dict(sorted(raw.items())), indent=1) + "\n")
