"""Unlimited: the program as it is, but for two limits that would end a fuzzer's run too early.

A fuzzer tries hundreds of bad keys a minute from one address, and waits for a stream to end.
"""

from bastion.auth import rates
from bastion.surfaces.cli import main
from bastion.surfaces.rest import events

if __name__ == "__main__":
    rates.BAD_KEYS = rates.Rate(per_minute=1_000_000, burst=1_000_000)
    events.STREAM_S_MAX = 1
    raise SystemExit(main())
