"""Lost: what a failed connection is called, without a word of the client's, which may quote a header."""

import socket
import ssl

from bastion.http1.answer import Garbled


def in_words(error: BaseException, on: str) -> str:
    """Return what became of a request that got no answer; `on` names it where nothing else can be told."""
    cause = getattr(error, "os_error", None) or error.__cause__ or error
    if isinstance(cause, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(cause, ssl.SSLError):
        return "no trusted TLS connection could be made"
    if isinstance(cause, socket.gaierror):
        return "the name of the host has no address"
    if isinstance(cause, ConnectionError):
        return "the connection ended without an answer"
    if isinstance(cause, Garbled):
        return f"what came is no HTTP answer: {cause}"
    return f"{type(cause).__name__} on {on}"
