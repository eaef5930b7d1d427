"""Page: writes docs/reference/mutation.md from the kept figures: `python -m tests.mutation.page`."""

import json
import sys
from pathlib import Path

from tests.mutation.judges import JUDGES
from tests.mutation.kept import ARGUED, FIGURES, Outcome
from tests.simulation.exits.hunt import every, kept

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "mutation.md"

HEAD = """# Which broken lines the tests notice

This page is written by `python -m tests.mutation.page` from what `make mutate ARGS=--keep` kept. Nothing in
it is typed by hand.

`make mutate` changes one thing at a time in the modules that an exit hangs on, by the operators of cosmic-
ray: a comparison, a number, an `and`, a `not`, a loop that is never entered. Each such mutant is put into a
fork of a process that has all tests loaded, and the tests that reach the changed statement run there, until
one fails. Tests that take long (the seconds of CPU stand in the table) judge nothing: what only a long
simulated world would notice counts as survived. Of a module with fewer tried than there are, these are a
sample that is always the same. What waits for ever in one test is ended after 15 s and 20 times what that
test takes, and counts as killed; the table says of how many. The bar is 90 % killed or argued; an argued
mutant changes nothing, and its reason stands in `tests/mutation/argued.json`.
"""

RULES_HEAD = """## Broken rules, and the worlds that notice

`make mutants ARGS=--keep` breaks each of these rules by its name and runs simulated worlds, seed by seed,
until one that breaks no rule otherwise does. Of the pairs, 60 worlds with both faults are run, and as many
with each of the two alone, in which nothing may show. A rule that is not noticed within 5,000 worlds is said
to be never.
"""


def page() -> str:
    """Return the page."""
    raw = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    lines = [
        HEAD,
        "| module | mutants | tried | killed | by time | argued | survived | share | judges up to | date |",
        "|---|---|---|---|---|---|---|---|---|---|",
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
            f"| `{module}` | {one.mutants} | {tried} | {one.killed} | {one.timed_out} | {one.argued}"
            f" | {len(one.survivors)} | {one.percent} % | {one.slowest_s:g} s | {date} |"
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
    return "\n".join([*lines, *_rules()]) + "\n"


def _rules() -> list[str]:
    """Say of each rule that is broken on purpose which world noticed."""
    lines = [
        "",
        RULES_HEAD,
        "| rule | worlds | noticed within | what was said | commit | date |",
        "|---|---|---|---|---|---|",
    ]
    rows, whole = kept(), every()
    for name, row in rows.items():
        worlds = "never" if row["worlds"] is None else str(row["worlds"])
        said = "either fault alone shows nothing" if row["pair"] else str(row["said"]).replace("|", "/")
        lines.append(f"| {name} | {row['where']} | {worlds} | {said} | {row['commit']} | {row['date']} |")
    missing = [f"`{name}`" for name in whole if name not in rows]
    return [*lines, "", f"Not hunted yet: {', '.join(missing) or 'none'}."]


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
