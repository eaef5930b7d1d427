from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.margin_rig import Rig, rig_on, sqlite_opener, without_spread


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    with rig_on(sqlite_opener(tmp_path), without_spread()) as fresh:
        yield fresh
