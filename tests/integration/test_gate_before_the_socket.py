"""What the gate refuses never reaches the venue: the adapter's own connection, and a server that listens."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bastion.clock import SystemClock
from bastion.errors import Fault, VenueRejected
from bastion.venues.ccxt.door import exchange_class
from bastion.venues.ccxt.wire import VenueKey, Wire
from bastion.venues.raw import Answer
from bastion.venues.throttle import Throttle

CALL_S = 5.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
CALLS: Mapping[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "binanceusdm": (
        "fapiPrivatePostOrder",
        {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "1"},
        {"reduceOnly": "true"},
    ),
    "bybit": (
        "privatePostV5OrderCreate",
        {"category": "linear", "symbol": "BTCUSDT", "side": "Sell", "qty": "1"},
        {"reduceOnly": True},
    ),
    "okx": (
        "privatePostTradeOrder",
        {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "sz": "1"},
        {"reduceOnly": True},
    ),
}


@pytest.mark.parametrize("exchange_id", list(CALLS))
async def test_an_opening_order_leaves_no_byte_and_a_closing_one_arrives(exchange_id: str) -> None:
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(65_536)
        while head:
            heard.append(head)
            writer.write(ANSWER)
            await writer.drain()
            head = await reader.read(65_536)
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock = SystemClock()
    wire = Wire(
        exchange_class(exchange_id),
        key=VenueKey(api_key="gate-key", secret="gate-secret", password="gate-pass"),
        clock=clock,
        throttle=Throttle(clock, ()),
        base_url=f"http://127.0.0.1:{port}",
        options={},
        observe=lambda _answer, _units, _sent_ns: None,
    )
    method, opening, reducing = CALLS[exchange_id]
    try:
        with pytest.raises(VenueRejected) as refused:
            await wire.call(method, opening, units={}, deadline_s=CALL_S, mutating=True)
        assert (refused.value.fault, refused.value.code) == (Fault.TERMINAL, "gate")
        assert heard == []
        answer = await wire.call(method, opening | reducing, units={}, deadline_s=CALL_S, mutating=True)
        assert answer == Answer(status=200, headers=answer.headers, text="{}")
        assert len(heard) == 1
    finally:
        await wire.close()
        server.close()
        await server.wait_closed()
