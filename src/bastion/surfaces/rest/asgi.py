"""ASGI: the shapes in which the server hands requests over."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL = "bastion.local"
"""True in the scope of a request that came by the unix socket from this program's own user."""
PRINCIPAL = "bastion.principal"
"""Who asks, as the door found out."""
EXTRA_HEADERS = "bastion.headers"
"""Headers that the door adds to the answer."""
