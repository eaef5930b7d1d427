"""Power loss: a layer under the real SQLite that records what reaches the disk, and what a cut would leave.

Every write, truncation, sync and deletion of the database's files passes through it to the real file system.
For any moment of the recording, `cut` builds the files that a machine could come up with after power was lost
then: what was synced is there; of what was written since, each sector is there or not, by a seed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import apsw

SECTOR = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happened: `write`, `truncate`, `sync`, `delete`, or `acknowledged` by the journal."""

    what: str
    name: str = ""
    offset: int = 0
    data: bytes = b""


class Recording:
    """All that happened to the files of one folder, in order; while `full`, the disk takes nothing more."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.full = False

    def acknowledged(self) -> None:
        """Note that the journal said of one more append that it is durable."""
        self.steps.append(Step(what="acknowledged"))

    def cut(self, at: int, into: Path, *, seed: int) -> int:
        """Write the files that a power cut before step `at` leaves; return how many appends were durable."""
        synced, since = self._settled(at)
        rng = Random(f"cut {at} {seed}")
        for name, steps in since.items():
            content = synced.setdefault(name, bytearray())
            for piece in (piece for step in steps for piece in _sectors(step)):
                if rng.random() < 0.5:
                    _apply(content, piece)
        for name, content in synced.items():
            (into / name).write_bytes(content)
        return sum(step.what == "acknowledged" for step in self.steps[:at])

    def _settled(self, at: int) -> tuple[dict[str, bytearray], dict[str, list[Step]]]:
        # By file: what was synced before that step, and what was written to it since.
        synced: dict[str, bytearray] = {}
        since: dict[str, list[Step]] = {}
        for step in self.steps[:at]:
            if step.what == "sync":
                content = synced.setdefault(step.name, bytearray())
                for earlier in since.pop(step.name, []):
                    _apply(content, earlier)
            elif step.what == "delete":
                synced.pop(step.name, None)
                since.pop(step.name, None)
            elif step.what != "acknowledged":
                since.setdefault(step.name, []).append(step)
        return synced, since


def _sectors(step: Step) -> Iterator[Step]:
    if step.what != "write":
        yield step
        return
    for begin in range(0, len(step.data), SECTOR):
        yield Step(
            what="write",
            name=step.name,
            offset=step.offset + begin,
            data=step.data[begin : begin + SECTOR],
        )


def _apply(content: bytearray, step: Step) -> None:
    if step.what == "truncate":
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
        return
    if len(content) < step.offset:
        content.extend(bytes(step.offset - len(content)))
    content[step.offset : step.offset + len(step.data)] = step.data


class _File(apsw.VFSFile):
    def __init__(self, base: str, name: Any, flags: list[int], recording: Recording) -> None:  # noqa: ANN401 - apsw's own types
        super().__init__(base, name, flags)
        text = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(text).name if text else ""
        self._recording = recording

    def _note(self, what: str, offset: int = 0, data: bytes = b"") -> None:
        if self._name:
            self._recording.steps.append(Step(what=what, name=self._name, offset=offset, data=data))

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 - apsw's name
        if self._recording.full:
            raise apsw.FullError("the disk is full")
        super().xWrite(data, offset)
        self._note("write", offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802 - apsw's name
        super().xTruncate(newsize)
        self._note("truncate", newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's name
        super().xSync(flags)
        self._note("sync")


class _Vfs(apsw.VFS):
    def __init__(self, recording: Recording) -> None:
        self._base = apsw.vfs_names()[0]
        self._recording = recording
        super().__init__("power-loss", self._base, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: ANN401, N802 - apsw's own types and name
        return _File(self._base, name, flags, self._recording)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802 - apsw's own form
        super().xDelete(filename, syncdir)
        self._recording.steps.append(Step(what="delete", name=Path(filename).name))


@contextmanager
def recorded() -> Iterator[Recording]:
    """Put the layer under every database that is opened meanwhile."""
    recording = Recording()
    vfs = _Vfs(recording)
    try:
        yield recording
    finally:
        vfs.unregister()
