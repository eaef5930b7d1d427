"""Judges: the modules that are broken, and the tests that must notice, all within one process."""

SIMULATED = (
    "tests/simulation/exits/test_simulated_exits.py",
    "tests/simulation/exits/test_simulated_acts.py",
)
EXITS = ("tests/unit/exits", *SIMULATED)
GATE = (
    "tests/unit/test_gate_rules.py",
    "tests/unit/test_gate_edges.py",
    "tests/unit/test_generic_gate.py",
    "tests/conformance/gate",
)
WIRES = "tests/simulation/wires/test_simulated_wires.py"
ROWS = ("tests/unit/test_venue_rows.py", WIRES)
JOURNAL = "tests/integration/exits/test_sqlite_journal.py"

JUDGES: dict[str, tuple[str, ...]] = {
    "exits/verdict.py": EXITS,
    "venues/gate/rules.py": GATE,
    "venues/gate/outgoing.py": GATE,
    "venues/gate/binance.py": GATE,
    "venues/gate/bybit.py": GATE,
    "venues/gate/okx.py": GATE,
    "venues/gate/hyperliquid.py": GATE,
    "venues/gate/generic.py": GATE,
    "commands/latch.py": ("tests/integration/exits/test_halt_and_latch.py",),
    "exits/ladder.py": EXITS,
    "exits/resolve.py": EXITS,
    "exits/progress.py": EXITS,
    "exits/books.py": EXITS,
    "exits/plan.py": EXITS,
    "exits/pace.py": EXITS,
    "storage/spool.py": (JOURNAL, *SIMULATED),
    "storage/sqlite.py": (JOURNAL,),
    "storage/chain.py": (JOURNAL,),
    "venues/ccxt/binance_rows.py": ROWS,
    "venues/ccxt/bybit_rows.py": ROWS,
    "venues/ccxt/okx_rows.py": ROWS,
    "venues/ccxt/hyperliquid_rows.py": ("tests/unit/test_hyperliquid_words.py", *ROWS),
    "exits/hand.py": EXITS,
}
"""What is broken, by its path in the package, and the tests that must notice; most money first."""

LEFT_OUT = "not is_noticed and not hash_seed and not (no_opening_order_of_ccxt and hyperliquid)"
"""Tests that break rules themselves or start processes judge nothing here, nor does the slowest one."""
