"""What stands between the press and the request to the daemon: almost nothing."""

import subprocess
import sys

HEAVY = {
    "asyncio",
    "aiohttp",
    "ccxt",
    "pydantic",
    "cyclopts",
    "apsw",
    "mcp",
    "rich",
    "tomllib",
    "bastion.app",
}


def test_the_way_to_the_daemon_loads_nothing_heavy() -> None:
    program = "import sys, bastion.surfaces.cli.quick; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
