"""Flame: where our own runs spend their time, as a flame graph (SVG) and as collapsed stacks beside it."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from types import FrameType

SAMPLE_S = 0.002
WIDTH, LINE, LEAST = 1200.0, 16, 0.4
Stack = tuple[str, ...]


@dataclass(slots=True)
class Node:
    """One frame: how many samples it was in, and what it called."""

    samples: int = 0
    calls: dict[str, "Node"] = field(default_factory=dict)


class Sampler:
    """Samples the thread that made it, while it is on; what waits for the loop counts as `select`."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stacks: Counter[Stack] = Counter()
        self._watched = threading.get_ident()
        self._on = threading.Event()
        self._ended = threading.Event()
        if path is not None:
            threading.Thread(target=self._sample, daemon=True).start()

    @contextmanager
    def during(self, *, counted: bool = True) -> Iterator[None]:
        """Sample while the block lasts."""
        if counted:
            self._on.set()
        try:
            yield
        finally:
            self._on.clear()

    def close(self) -> None:
        """Write what was seen."""
        self._ended.set()
        self._on.set()
        if self._path is None:
            return
        lines = [f"{';'.join(stack)} {count}" for stack, count in sorted(self._stacks.items())]
        self._path.with_suffix(".collapsed").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._path.write_text(drawn(self._stacks), encoding="utf-8")

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            self._on.wait()
            frame = sys._current_frames().get(self._watched)
            if frame is not None and not self._ended.is_set():
                self._stacks[stack_of(frame)] += 1


def stack_of(frame: FrameType | None) -> Stack:
    """Return the names of a stack, the outermost first."""
    names: list[str] = []
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "?"))
        code = frame.f_code
        names.append(f"{module}.{getattr(code, 'co_qualname', code.co_name)}")
        frame = frame.f_back
    return tuple(reversed(names))


def tree_of(stacks: Counter[Stack]) -> Node:
    """Return the calls of all samples as one tree."""
    root = Node()
    for stack, count in stacks.items():
        node = root
        node.samples += count
        for name in stack:
            node = node.calls.setdefault(name, Node())
            node.samples += count
    return root


def drawn(stacks: Counter[Stack]) -> str:
    """Return the flame graph: a frame is as wide as its share of all samples."""
    root = tree_of(stacks)
    deepest = max((len(stack) for stack in stacks), default=0)
    height = (deepest + 1) * LINE
    boxes = list(_boxes(root, 0.0, 0, WIDTH / max(1, root.samples), height))
    size = f'width="{WIDTH:.0f}" height="{height}" font-family="monospace" font-size="11"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    return "\n".join([head, *boxes, "</svg>", ""])


def _boxes(node: Node, left: float, depth: int, scale: float, height: int) -> Iterator[str]:
    for name, call in sorted(node.calls.items()):
        width = call.samples * scale
        if width >= LEAST:
            top = height - (depth + 1) * LINE
            shade = 200 - sum(name.encode()) % 120
            text = escape(name.rpartition(".")[2][: int(width / 7)])
            yield (
                f'<g><title>{escape(name)}: {call.samples} samples</title><rect x="{left:.1f}" y="{top}"'
                f' width="{width:.1f}" height="{LINE - 1}" fill="rgb(255,{shade},90)"/>'
                f'<text x="{left + 2:.1f}" y="{top + 12}">{text}</text></g>'
            )
            yield from _boxes(call, left, depth + 1, scale, height)
        left += width
