"""Odd row: a list in an answer gains a row that has the names of the others, and none of their values."""

import json
from collections import deque

_VISITS_MAX = 10_000


def with_odd_row(body: bytes) -> bytes:
    """Return the answer with one such row behind the first list of objects in it.

    An answer that is no JSON, or in which no list of objects is found, stays as it is.
    """
    try:
        answer: object = json.loads(body)
    except ValueError:
        return body
    waiting = deque([answer])
    for _ in range(_VISITS_MAX):
        if not waiting:
            break
        found = waiting.popleft()
        if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
            found.append(dict.fromkeys(found[-1]))
            return json.dumps(answer, separators=(",", ":")).encode()
        if isinstance(found, dict):
            waiting.extend(found.values())
    return body
