"""The HTTP wire of the margin venue: `application` makes it, the rest is how it answers."""

from bastion.paper.wire.strike.limits import LimitSettings
from bastion.paper.wire.strike.server import WireSettings, application

__all__ = ["LimitSettings", "WireSettings", "application"]
