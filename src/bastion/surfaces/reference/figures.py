"""Figures: the page docs/reference/metrics.md."""

from collections.abc import Mapping

from bastion.surfaces.rest.metrics import BOUNDS_MS, METRICS, METRICS_TYPE, TIME_TO_FLAT

LABELS_OF: Mapping[str, tuple[str, ...]] = {
    "bastion_exits_total": ("verdict",),
    TIME_TO_FLAT: ("le",),
    "bastion_looks_total": ("account", "complete"),
    "bastion_orders_total": ("account",),
    "bastion_cancels_total": ("account",),
    "bastion_order_answers_total": ("account", "outcome"),
    "bastion_venue_errors_total": ("account", "kind"),
    "bastion_http_requests_total": ("route", "status"),
    "bastion_engine_state": ("state",),
}
"""The labels of each figure that has any."""

_HEAD = """\
# Metrics

<!-- Written by `make docs`; a test holds it to the code. -->

`GET /metrics` of the daemon (`bastion up`), with a key of scope `read`, or over the own user's socket without
one; `{type}`. Counters begin at zero with the process. A scrape asks no exchange anything.

| name | kind | labels | meaning |
|---|---|---|---|
"""


def kind_of(name: str) -> str:
    """Return the type of the figure of that name."""
    if name == TIME_TO_FLAT:
        return "histogram"
    return "counter" if name.endswith("_total") else "gauge"


def page() -> str:
    """Return the page."""
    rows = []
    for name, text in METRICS.items():
        labels = ", ".join(f"`{label}`" for label in LABELS_OF.get(name, ()))
        rows.append(f"| `{name}` | {kind_of(name)} | {labels} | {text} |")
    bounds = ", ".join(f"{bound / 1000:g}" for bound in BOUNDS_MS)
    head = _HEAD.format(type=METRICS_TYPE)
    return "\n".join([head + "\n".join(rows), f"\nHistogram bounds: {bounds} s.\n"])
