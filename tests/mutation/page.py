"""Page: writes docs/reference/mutation.md from the kept figures: `python -m tests.mutation.page`."""

import json
import sys
from pathlib import Path

from tests.mutation.judges import JUDGES
from tests.mutation.kept import ARGUED, FIGURES, Outcome

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "mutation.md"

HEAD = """# Which broken lines the tests notice

This page is written by `python -m tests.mutation.page` from what `make mutate ARGS=--keep` kept. Nothing in
it is typed by hand.

`make mutate` changes one thing at a time in the modules that an exit hangs on, by the operators of cosmic-
ray: a comparison, a number, an `and`, a `not`, a loop that is never entered. Each such mutant is put into a
fork of a process that has all tests loaded, and the tests that reach the changed statement run there, until
one fails. Tests that take long (the seconds of CPU stand in the table) judge nothing: what only a long
simulated world would notice counts as survived. Of a module with fewer tried than there are, these are a
sample that is always the same. The bar is 90 % killed or argued; an argued mutant changes nothing, and its
reason stands in `tests/mutation/argued.json`.
"""


def page() -> str:
    """Return the page."""
    raw = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    lines = [
        HEAD,
        "| module | mutants | tried | killed | argued | survived | killed or argued | judges up to | date |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    missing = []
    for module in JUDGES:
        if module not in raw:
            missing.append(module)
            continue
        row = dict(raw[module])
        date = row.pop("date")
        one = Outcome(**{**row, "survivors": tuple(row["survivors"])})
        tried = "all" if one.tried == one.mutants else str(one.tried)
        lines.append(
            f"| `{module}` | {one.mutants} | {tried} | {one.killed} | {one.argued} | {len(one.survivors)}"
            f" | {one.percent} % | {one.slowest_s:g} s | {date} |"
        )
    lines += [
        "",
        f"Not tried yet: {', '.join(f'`{name}`' for name in missing) or 'none'}.",
        "",
        "## Survivors",
        "",
    ]
    for module in JUDGES:
        survivors = raw.get(module, {}).get("survivors", ())
        if survivors:
            lines += [f"`{module}`, by its line then:", "", "```", *survivors, "```", ""]
    lines += ["## Argued", ""]
    for module, reasons in json.loads(ARGUED.read_text()).items():
        where = "any module, by its pattern" if module == "*" else f"`{module}`"
        lines += [f"- {where}: `{name}`. {reason}" for name, reason in reasons.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
