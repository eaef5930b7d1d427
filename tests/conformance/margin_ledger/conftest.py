import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.margin_rig import StoreOpener, postgres_opener, sqlite_opener
from tests.own_postgres import postgres_dsn as postgres_dsn  # noqa: PLC0414 - pytest finds the fixture here

_names = itertools.count(1)


@pytest.fixture(params=["sqlite", "postgres"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> StoreOpener:
    if request.param == "sqlite":
        return sqlite_opener(tmp_path)
    return postgres_opener(request.getfixturevalue("postgres_dsn"), f"ledger_{next(_names)}")


@pytest.fixture
def fresh_postgres(postgres_dsn: str) -> Callable[[], StoreOpener]:
    return lambda: postgres_opener(postgres_dsn, f"ledger_{next(_names)}")
