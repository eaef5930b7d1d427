"""House: one state directory of bastion, and the installed program run in it as a black box."""

import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bastion.app import find_place, open_keys
from bastion.auth.keys import parse_scope

PROGRAM = str(Path(sys.executable).parent / "bastion")
START_S = 60
STOP_S = 30
COMMAND_S = 60
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A state directory with its variables; nothing of the person's own environment gets in."""

    folder: Path
    more: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        """The environment in which the program runs."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "BASTION_HOME": str(self.folder / "state"),
            **self.more,
        }

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [PROGRAM, *arguments],
            env=self.variables,
            input=given,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )

    def key(self, scope: str) -> str:
        """Create a key of that scope and return its text."""
        return self.key_and_id(scope)[0]

    def key_and_id(self, scope: str) -> tuple[str, str]:
        """Create a key of that scope and return its text and its id.

        By the library, as `bastion keys create` does it, since a process for each key takes a second.
        """
        with open_keys(find_place(config=None, environment=self.variables)) as keys:
            new = keys.create(scope=parse_scope(scope))
        return new.text, new.record.id


@dataclass(slots=True, kw_only=True)
class Served:
    """A running `bastion up`."""

    address: str
    process: subprocess.Popen[str]
    lines: list[str]

    @property
    def stream(self) -> str:
        """The address of the Streamable HTTP transport."""
        return f"{self.address}/mcp/stream"

    @property
    def sse(self) -> str:
        """The address of the older transport."""
        return f"{self.address}/mcp/sse"

    def stop(self) -> None:
        """Ask the server to end, and wait for it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=STOP_S)


@contextmanager
def serving(house: House, *, command: Sequence[str] = (PROGRAM,)) -> Iterator[Served]:
    """Run `bastion up` on a free port until the block ends; everything that it wrote stays in `lines`."""
    lines: list[str] = []
    addresses: queue.Queue[str | None] = queue.Queue()
    with subprocess.Popen(
        [*command, "up", "--port", "0"],
        env=house.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                found = ADDRESS.search(line)
                if found is not None:
                    addresses.put(found.group())
            addresses.put(None)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            address = addresses.get(timeout=START_S)
            assert address is not None, "".join(lines)
            served = Served(address=address, process=process, lines=lines)
            yield served
            served.stop()
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=STOP_S)
            reader.join(timeout=STOP_S)
