"""The door to ccxt: one exchange alone, and never in the way of a program that uses ccxt itself."""

import subprocess
import sys


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


LOADED = """
names = sorted(
    name.removeprefix("ccxt.async_support.")
    for name in sys.modules
    if name.startswith("ccxt.async_support.") and not name.startswith("ccxt.async_support.base")
)
"""


def test_importing_one_exchange_loads_no_other_exchange() -> None:
    program = f"""
import sys
from bastion.venues.ccxt.door import exchange_class
bybit = exchange_class("bybit")
{LOADED}
assert names == ["bybit"], names
binance = exchange_class("binanceusdm")
{LOADED}
assert names == ["binance", "binanceusdm", "bybit"], names
assert "ccxt.kraken" not in sys.modules and "ccxt.binance" not in sys.modules
print(bybit.__name__, binance.__name__, bybit({{}}).id)
"""
    assert run(program).split() == ["bybit", "binanceusdm", "bybit"]


def test_a_process_that_has_imported_ccxt_keeps_it_whole() -> None:
    program = """
import ccxt.async_support as whole
from bastion.venues.ccxt.door import exchange_class
assert exchange_class("bybit") is whole.bybit
assert whole.kraken.__name__ == "kraken"
"""
    run(program)


def test_an_exchange_that_ccxt_does_not_know_is_refused_in_plain_words() -> None:
    program = """
from bastion.errors import ConfigInvalid
from bastion.venues.ccxt.door import exchange_class
try:
    exchange_class("no_such_exchange")
except ConfigInvalid as error:
    print(error)
"""
    assert "no_such_exchange" in run(program)
