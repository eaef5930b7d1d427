"""Exits beside a disk that is full and a journal that is locked or broken, in a process of its own.

Prints one line of JSON for each trouble: the verdict, the warnings, and what the venues truly hold then.
"""

import asyncio
import contextlib
import json
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import apsw

from bastion.commands import emergency_exit
from bastion.exits.report import ExitReport
from tests.integration.kills.sweep import DEADLINE_S, OWNER, PLAYS, desk_at, set_up, truth
from tests.paper_process import PaperProcess, paper_exchange

TROUBLES = ("full", "locked", "corrupt")
BUDGET_MS = 200


@contextlib.contextmanager
def trouble(name: str, home: Path) -> Iterator[None]:
    """Let it go wrong while the body runs."""
    if name == "full":
        # No file of this process may grow any more: not the journal, nor its spool, nor a log.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    elif name == "locked":
        blocker = apsw.Connection(str(home / "journal.sqlite"))
        blocker.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            blocker.execute("ROLLBACK")
            blocker.close()
    else:
        yield


async def exit_beside(name: str, paper: PaperProcess, home: Path) -> ExitReport:
    if name == "corrupt":
        (home / "journal.sqlite").write_bytes(b"this is no database, and long enough to be looked at " * 40)
    async with desk_at(paper, home, budget_ms=BUDGET_MS) as desk:
        with trouble(name, home):
            return await emergency_exit(desk, OWNER, deadline_s=DEADLINE_S, hold_s=Decimal(0))


def main() -> None:
    with paper_exchange("four-4") as paper:
        for name in TROUBLES:
            with tempfile.TemporaryDirectory(prefix="trouble-") as folder:
                home = Path(folder)
                set_up(paper, PLAYS[0])
                report = asyncio.run(exit_beside(name, paper, home))
                ended = truth(paper, report, home)
                row = {
                    "trouble": name,
                    "verdict": ended.verdict,
                    "left": [*ended.held, ended.orders],
                    "warnings": report.warnings,
                }
                sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
