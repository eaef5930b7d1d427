"""Judges: the modules that are broken, and the tests that must notice, all within one process.

What decides is judged by the tests that state its behaviour; that worlds notice a broken rule is what `make
mutants` shows. What acts is judged by short worlds.
"""

DECISIONS = ("tests/unit/exits",)
WORLDS = (*DECISIONS, "tests/simulation/exits/test_simulated_acts.py")
GATE = ("tests/unit/test_gate_rules.py", "tests/unit/test_gate_edges.py")
GENERIC_GATE = ("tests/unit/test_generic_shapes.py", "tests/unit/test_generic_gate.py")
ROWS = "tests/unit/test_venue_rows.py"
JOURNAL = ("tests/integration/exits/test_sqlite_journal.py", "tests/unit/test_journal_edges.py")
SPOOL = (*JOURNAL, "tests/unit/test_spool_edges.py")

JUDGES: dict[str, tuple[str, ...]] = {
    "exits/verdict.py": DECISIONS,
    "venues/gate/rules.py": GATE,
    "venues/gate/outgoing.py": (*GATE, *GENERIC_GATE),
    "venues/gate/binance.py": GATE,
    "venues/gate/bybit.py": GATE,
    "venues/gate/okx.py": GATE,
    "venues/gate/hyperliquid.py": GATE,
    "venues/gate/generic.py": GENERIC_GATE,
    "commands/latch.py": ("tests/unit/test_latch_rules.py",),
    "exits/ladder.py": DECISIONS,
    "exits/resolve.py": DECISIONS,
    "exits/progress.py": DECISIONS,
    "exits/books.py": DECISIONS,
    "exits/plan.py": DECISIONS,
    "exits/pace.py": DECISIONS,
    "exits/turns.py": DECISIONS,
    "exits/allowance.py": DECISIONS,
    "storage/spool.py": SPOOL,
    "storage/sqlite.py": JOURNAL,
    "storage/chain.py": JOURNAL,
    "venues/ccxt/binance_rows.py": (ROWS, "tests/unit/test_binance_row_edges.py"),
    "venues/ccxt/bybit_rows.py": (ROWS, "tests/unit/test_bybit_row_edges.py"),
    "venues/ccxt/okx_rows.py": (ROWS, "tests/unit/test_okx_row_edges.py"),
    "venues/ccxt/hyperliquid_rows.py": (
        "tests/unit/test_hyperliquid_words.py",
        "tests/unit/test_hyperliquid_row_edges.py",
    ),
    "exits/hand.py": WORLDS,
}
"""What is broken, by its path in the package, and the tests that must notice; most money first."""

LEFT_OUT = "not is_noticed and not hash_seed"
"""Tests that break rules themselves, or start other processes, judge nothing here."""
