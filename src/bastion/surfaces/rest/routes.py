"""Routes: the one table of the REST surface; what is not here does not exist."""

from collections.abc import Mapping
from functools import lru_cache

from bastion.surfaces.rest import exits, health, protection, reads, refunds, steering, stops
from bastion.surfaces.rest.table import Route

ROUTES: tuple[Route, ...] = (
    *exits.ROUTES,
    *stops.ROUTES,
    *reads.ROUTES,
    *protection.ROUTES,
    *steering.ROUTES,
    *refunds.ROUTES,
    *health.ROUTES,
)


@lru_cache(maxsize=256)
def find(path: str, method: str) -> tuple[Route | None, tuple[str, ...]]:
    """Return the route of that path and method, and the methods that the path knows (none: no such path)."""
    there = [route for route in ROUTES if route.form.fullmatch(path)]
    chosen = next((route for route in there if route.method == method), None)
    return chosen, tuple(sorted({route.method for route in there}))


def by_name() -> Mapping[str, Route]:
    """Return the routes by their names."""
    return {route.name: route for route in ROUTES}
