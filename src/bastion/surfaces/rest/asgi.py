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
ROUTE = "bastion.route"
"""The route that the door found."""
BODY = "bastion.body"
"""The JSON object that the door read from the body, missing where none came."""
