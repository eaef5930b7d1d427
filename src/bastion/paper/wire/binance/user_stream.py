"""User stream: the REST calls that make, extend and end a listen key.

They carry the API key alone, without a signature
(https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams/Start-User-Data-Stream).
"""

from bastion.paper.wire.binance.call import Call, Reply
from bastion.paper.wire.binance.errors import BinanceError


def create(call: Call) -> Reply:
    """POST /fapi/v1/listenKey and /dapi/v1/listenKey."""
    key = call.listen_keys.create(call.account, call.kind, call.now_ms)
    return Reply(data={"listenKey": key.text})


def extend(call: Call) -> Reply:
    """PUT /fapi/v1/listenKey and /dapi/v1/listenKey."""
    key = call.listen_keys.extend(call.account, call.kind, call.now_ms)
    if key is None:
        raise BinanceError(-1125, "This listenKey does not exist.")
    return Reply(data={"listenKey": key.text})


def end(call: Call) -> Reply:
    """DELETE /fapi/v1/listenKey and /dapi/v1/listenKey."""
    key = call.listen_keys.of(call.account, call.kind, call.now_ms)
    if key is not None:
        call.listen_keys.end(key.text)
    return Reply(data={})
