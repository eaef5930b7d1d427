"""The margin venue alone, as a program: `python -m bastion.paper.wire.strike serve | token`.

`serve` prints one JSON line when it is ready and ends on SIGTERM or SIGINT. `token` prints a pair of tokens
of the venue's own issuer for a user and that user's wallets.
"""

import argparse
import asyncio
import json
import secrets
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from bastion.paper.clock import RealClock
from bastion.paper.strike.commands import Tick
from bastion.paper.strike.identity import wallet_address
from bastion.paper.strike.identity_assembly import PrivySettings
from bastion.paper.strike.money import MICRO, parse_micro
from bastion.paper.strike.settings import Gates, VenueSettings
from bastion.paper.wire.strike.call import submit
from bastion.paper.wire.strike.host import Host, HostSettings, open_host, open_issuer, write_secret
from bastion.paper.wire.strike.limits import LimitSettings, limit_from_text
from bastion.paper.wire.strike.operator import guarded, operator_application
from bastion.paper.wire.strike.server import WireSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one of the two commands; the exit code is 0, or 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m bastion.paper.wire.strike", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve the venue on 127.0.0.1")
    serve.add_argument("--folder", type=Path, required=True, help="where ledger, keys and records live")
    serve.add_argument("--port", type=int, default=0, help="0 takes a free one")
    serve.add_argument("--trading-limit", type=limit_from_text, default=10, metavar="N|off")
    serve.add_argument("--public-limit", type=limit_from_text, default=120, metavar="N|off")
    serve.add_argument("--control-port", type=int, help="also serve the operator's side; see --control-token")
    serve.add_argument("--control-token", type=Path, metavar="FILE", help="where its fresh token is written")
    serve.add_argument("--separate-exit-bucket", action="store_true")
    serve.add_argument(
        "--stale-after", type=int, metavar="S", help="age at which a mark serves no trade; never"
    )
    serve.add_argument(
        "--exit-age-min", type=int, metavar="S", help="age at which a position may be refunded; 0"
    )
    serve.add_argument("--mark", type=_mark, action="append", default=[], metavar="SYMBOL=PRICE")
    serve.add_argument("--privy-app", help="accept tokens of this Privy application instead of our own")
    serve.add_argument("--privy-keys-url", help="where its keys are published, when not at Privy's")
    token = commands.add_parser("token", help="print an access and an identity token of the venue's issuer")
    token.add_argument("--folder", type=Path, required=True)
    token.add_argument("--user", required=True, metavar="did:privy:NAME")
    token.add_argument("--wallet", type=_wallet, action="append", required=True)
    chosen = parser.parse_args(arguments)
    if chosen.command == "serve" and (chosen.control_port is None) != (chosen.control_token is None):
        parser.error("--control-port and --control-token belong together")
    if chosen.command == "token":
        return _print_tokens(chosen.folder, chosen.user, chosen.wallet)
    asyncio.run(_serve(chosen))
    return 0


def _print_tokens(folder: Path, user: str, wallets: Sequence[str]) -> int:
    if not folder.is_dir():
        sys.stderr.write(f"{folder} is no folder; start the venue there first\n")
        return 2
    issuer = open_issuer(folder)
    now_s = RealClock().now_ms() // 1000
    pair = {
        "authorization": f"Bearer {issuer.access_token(user, now_s=now_s)}",
        "privy-id-token": issuer.identity_token(user, wallets, now_s=now_s),
    }
    sys.stdout.write(json.dumps(pair) + "\n")
    return 0


async def _serve(chosen: argparse.Namespace) -> None:
    limits = LimitSettings(
        trading=chosen.trading_limit,
        public=chosen.public_limit,
        separate_exit_bucket=chosen.separate_exit_bucket,
    )
    # Nothing feeds this program's marks, so the ones given stay good unless asked otherwise.
    rules = VenueSettings(
        oracle_stale_after_us=None if chosen.stale_after is None else chosen.stale_after * MICRO,
        gates=Gates(age_us_min=None if chosen.exit_age_min is None else chosen.exit_age_min * MICRO),
    )
    settings = HostSettings(folder=chosen.folder, rules=rules, wire=WireSettings(limits=limits))
    if chosen.privy_app:
        privy = PrivySettings.hosted(chosen.privy_app)
        if chosen.privy_keys_url:
            privy = replace(privy, keys_url=chosen.privy_keys_url)
        settings = replace(settings, privy=privy)
    host = open_host(settings, RealClock())
    runners: list[web.AppRunner] = []
    try:
        if chosen.mark:
            await submit(host.venue, Tick(marks=dict(chosen.mark)))
        url, control_url = await _listen(runners, host.application, chosen.port), None
        if chosen.control_port is not None:
            token = secrets.token_urlsafe(32)
            write_secret(chosen.control_token, token.encode())
            control = guarded(operator_application(host), token)
            control_url = await _listen(runners, control, chosen.control_port)
        _say_ready(host, url, control_url)
        await _until_told_to_stop()
    finally:
        for runner in runners:
            await runner.cleanup()
        await asyncio.to_thread(host.close)


async def _listen(runners: list[web.AppRunner], served: web.Application, port: int) -> str:
    runner = web.AppRunner(served, access_log=None, shutdown_timeout=2)
    runners.append(runner)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


def _say_ready(host: Host, url: str, control_url: str | None) -> None:
    ready = {
        "ready": True,
        "url": url,
        "control_url": control_url,
        "service_key_file": None if host.service_key_path is None else str(host.service_key_path),
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


async def _until_told_to_stop() -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()


def _mark(text: str) -> tuple[str, int]:
    symbol, _, price = text.partition("=")
    return symbol, parse_micro(price)


def _wallet(text: str) -> str:
    wallet = wallet_address(text)
    if wallet is None:
        raise argparse.ArgumentTypeError("a wallet is 0x and 40 hexadecimal digits")
    return wallet


if __name__ == "__main__":
    sys.exit(main())
