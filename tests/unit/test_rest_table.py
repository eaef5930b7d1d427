"""The table of REST routes: what holds for every route, and the reference page that is written from it."""

from pathlib import Path

import pytest

from bastion.commands import VERBS
from bastion.domain.act import Act
from bastion.surfaces.rest.application import preferred_wait
from bastion.surfaces.rest.reference import page
from bastion.surfaces.rest.routes import ROUTES, find
from bastion.surfaces.rest.table import WAIT_S_DEFAULT, WAIT_S_MAX, Route

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rest.md"


def test_the_reference_page_is_what_the_table_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "python -m bastion.surfaces.rest.reference writes it"


def test_names_and_addresses_are_unique() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_act_that_a_verb_is_has_a_route() -> None:
    # The doctor looks at this machine's files and belongs to its terminal.
    assert {verb.act for verb in VERBS} - {Act.DOCTOR} <= {route.act for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_what_changes_something_is_no_get_and_what_reads_needs_no_body(route: Route) -> None:
    if route.act is not None and not route.act.reads:
        assert route.method in {"POST", "PUT"}
        assert route.body is not None
    assert not (route.method == "GET" and route.body is not None)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_route_is_found_by_its_own_address_only(route: Route) -> None:
    path = route.path.replace("{exit_id}", "xaaaaaaaaaaaa").replace("{halt_id}", "xaaaaaaaaaaaa")
    assert find(path, route.method)[0] is route
    assert find(path + "/", route.method) == (None, ())
    assert find(path, "TRACE")[0] is None


@pytest.mark.parametrize(
    ("prefer", "waits", "told"),
    [
        ("", WAIT_S_DEFAULT, ""),
        ("wait=5", 5, "wait=5"),
        ("respond-async, wait=0", 0, "wait=0"),
        ("respond-async", 0, "respond-async"),
        ("wait=9999", WAIT_S_MAX, "wait=55"),
        ("wait=-1", WAIT_S_DEFAULT, ""),
        ("wait=nan", WAIT_S_DEFAULT, ""),
        ("handling=lenient", WAIT_S_DEFAULT, ""),
    ],
)
def test_a_preference_is_honoured_within_its_bound(prefer: str, waits: float, told: str) -> None:
    assert preferred_wait(prefer) == (waits, told)
