"""Secret watch: a test fails when its output or its log shows a secret that the tests have used so far.

Known are every key that `Keys` mints and every credential that goes into a vault, in the process of the
tests; what a program under test mints is told by `learn`. Constant test credentials stand in `CONSTANT`.
"""

import functools
import re
from collections.abc import Callable, Generator
from typing import Any, ParamSpec

import pytest

from bastion.auth.credential import Credential
from bastion.auth.keys import Keys, NewKey
from bastion.auth.vault import Vault

CONSTANT = frozenset(
    {
        "secret-that-must-not-show",
        *(f"paper-{venue}-secret" for venue in ("binance", "bybit", "okx", "hyperliquid", "strike")),
    }
)
LENGTH_MIN = 12
"""A shorter value could stand in an output by chance."""
VEIL = "[a secret]"
_KEY = re.compile(r"[a-z2-7]{40}")

P = ParamSpec("P")

_keys: set[str] = set()
_others: set[str] = set(CONSTANT)


def learn(secret: str) -> None:
    """Watch for that secret from now on."""
    bare = secret.rpartition("_")[2]
    if _KEY.fullmatch(bare):
        # By its random part, so that it is found with whatever prefix it is shown.
        _keys.add(bare)
    elif len(secret) >= LENGTH_MIN:
        _others.add(secret)


def shown_in(text: str) -> list[str]:
    """Return where secrets stand in the text, by what is around them and without them."""
    veiled = _KEY.sub(lambda found: VEIL if found.group() in _keys else found.group(), text)
    for secret in _others:
        veiled = veiled.replace(secret, VEIL)
    parts = veiled.split(VEIL)
    return [f"...{part[-60:]}{VEIL}" for part in parts[:-1]]


def _learning(mint: Callable[P, NewKey]) -> Callable[P, NewKey]:
    @functools.wraps(mint)
    def minted(*args: P.args, **kwargs: P.kwargs) -> NewKey:
        new = mint(*args, **kwargs)
        learn(new.text)
        return new

    return minted


def pytest_configure() -> None:
    """Learn every secret at the moment at which it comes to be."""
    keep = Vault.put

    @functools.wraps(keep)
    def put(self: Vault, credential: Credential) -> bool:
        for secret in credential.secrets:
            learn(secret)
        return keep(self, credential)

    if not hasattr(Vault.put, "__wrapped__"):
        for name, one in (("create", Keys.create), ("rotate", Keys.rotate)):
            setattr(Keys, name, _learning(one))
        Vault.put = put  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, pytest.TestReport]:
    """Fail a test, at its end, whose captured output or log shows a secret."""
    del item
    report: pytest.TestReport = yield
    if call.when == "teardown":
        found = [f"{name}: {place}" for name, text in report.sections for place in shown_in(text)]
        if found:
            report.outcome = "failed"
            report.longrepr = "a secret was shown\n" + "\n".join(found)
            report.sections = []  # What it showed must not be shown again.
    return report
