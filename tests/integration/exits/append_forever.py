"""Append records for ever, and print the number of each that the journal acknowledged; meant to be killed."""

import asyncio
import sys
from pathlib import Path

from bastion.clock import SystemClock
from bastion.domain.records import ExitEnded
from bastion.storage.sqlite import SqliteJournal


async def main(path: Path) -> None:
    journal = SqliteJournal(path, clock=SystemClock())
    number = 0
    while True:
        await journal.append((ExitEnded(exit_id=f"x{number}"), ExitEnded(exit_id=f"x{number}b")))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        number += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
