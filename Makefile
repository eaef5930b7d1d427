# Everything here works in an empty clone: it needs make, Python 3.11 to 3.13 and the package registries.
# With uv on the PATH it is used; else venv and pip do the same from the same pinned, hashed lists.

.DEFAULT_GOAL := help
.PHONY: help demo test lint format simulate mutants mutate bench bench-grid bench-page bench-ledger gauntlet race conformance cuts kills wires bundle docs lock clean distclean
.DELETE_ON_ERROR:

PICK = for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	  then command -v "$$candidate"; exit 0; fi; done; \
	  echo "No Python 3.11, 3.12 or 3.13 was found on the PATH. Install one, or say make PYTHON=/path/to/python3.12." >&2; \
	  exit 1

UV := $(shell command -v uv 2>/dev/null)

# pip compiles the modules on one core, so there they are compiled afterwards, on all; uv does so by itself.
ifeq ($(UV),)
INSTALL = .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-compile
COMPILE_INSTALLED = .venv/bin/python -m compileall -qq -j 0 .venv/lib || true
else
INSTALL = uv pip install --quiet --compile-bytecode --python .venv/bin/python
COMPILE_INSTALLED = true
endif

help:
	@echo "make demo       see it work: two embedded exchanges, no keys, no network (ARGS=--fast: at machine speed)"
	@echo "make test       all tests (ARGS is given to pytest; WORKERS=0: in one process)"
	@echo "make lint       ruff, mypy, the import contracts, the tidy test"
	@echo "make simulate   the simulated worlds (N=2000: so many over all cores, with the cells that they hit; KEEP=1: kept)"
	@echo "                DEPTH=b: with the real adapters on the paper wires; SEEDS=0:200 chooses; ARGS=--trace prints all"
	@echo "make mutants    break the rules of an exit on purpose, one after the other: the worlds must notice each"
	@echo "make mutate     break those modules line by line (MODULES=exits/verdict.py SAMPLE=50 ARGS=--keep): the tests must notice"
	@echo "make bench      how fast an exit is, against what the wire allows, in 20 minutes (ROWS=warm20,cold RUNS=20"
	@echo "                MINUTES=5 FLAME=1; MINUTES=0: 200 runs of everything)"
	@echo "make bench-grid the same by 4 to 500 positions, 1 to 4 venues, 20 to 200 ms round trip"
	@echo "make bench-page docs/reference/speed.md, from the figures of the last make bench"
	@echo "make bench-ledger  refunds a second against this disk and database (ARGS=--rounds 9)"
	@echo "make gauntlet   the traders' loops and our exit through every fault, and the page of it (ARGS='--jobs 2', --by-turns)"
	@echo "make race       64 threads on one position, a thousand times, on both databases"
	@echo "make conformance  the official MCP suite, in both revisions, on our application and the shipped server"
	@echo "make cuts       two hundred clients that break off at a random moment of an exit"
	@echo "make kills      SIGKILL at every journal write of an exit on four wires, and between what the venues say of it"
	@echo "make wires      the exit on four wires at once, with the tests that wait for real deadlines"
	@echo "make bundle     dist/bastion.mcpb, for hosts that install MCP bundles"
	@echo "make docs       write the reference pages, schemas, man page and completions from the code"
	@echo "make format     format the code"
	@echo "make lock       resolve the pinned requirements anew"
	@echo "make clean      remove caches; make distclean removes .venv too"

.venv/bin/python:
	@python=$$($(PICK)) && \
	if [ -n "$(UV)" ]; then uv venv --quiet --python "$$python" .venv; else "$$python" -m venv .venv; fi

.venv/run.stamp: requirements/run.txt pyproject.toml | .venv/bin/python
	@echo "Preparing .venv (once)."
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(COMPILE_INSTALLED)
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements/dev.txt pyproject.toml | .venv/bin/python
	@echo "Preparing .venv with what the checks need (once)."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(COMPILE_INSTALLED)
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch .venv/run.stamp $@

demo: .venv/run.stamp
	@.venv/bin/bastion demo $(ARGS)

# Nearly half of the time is spent waiting for processes, sockets and deadlines, so one worker more than there
# are cores is worth it; a file's tests stay together, since they share what they start, and the longest files
# start first (tests/run_order.py).
# Their processes, and the programs that they start, load compiled modules, whatever the environment says about
# writing them: to compile them anew costs each process a third of its start.
WORKERS ?= $(shell .venv/bin/python -c 'import os; print(min((os.cpu_count() or 1) + 1, 4))')
test: .venv/dev.stamp
	@.venv/bin/python -m compileall -q -j 0 src tests
	@.venv/bin/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/dev.stamp
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/python -m pytest -q tests/test_tidy.py

# ROWS=warm20,cold chooses rows, RUNS=20 bounds the runs of a figure, MINUTES=0 gives every row all its runs.
# Without NautilusTrader the rows beside it fail by name, and all others run.
BENCH = $(if $(ROWS),--rows $(ROWS)) $(if $(RUNS),--runs $(RUNS)) $(if $(MINUTES),--minutes $(MINUTES)) \
	  $(if $(FLAME),--flame) $(if $(PROFILE),--profile) $(ARGS)
bench: .venv/dev.stamp
	@$(if $(or $(if $(ROWS),,all),$(findstring nautilus,$(ROWS))),$(MAKE) --no-print-directory .venv-nautilus/stamp || true)
	@.venv/bin/python -m compileall -q src tests
	@.venv/bin/python -m tests.benchmarks.exit $(BENCH)

bench-grid: .venv/dev.stamp
	@.venv/bin/python -m compileall -q src tests
	@.venv/bin/python -m tests.benchmarks.exit --grid --out build/bench/grid.jsonl --runs 10 $(BENCH)

# What the benchmark compares with, in an environment of its own; nothing else needs it.
.venv-nautilus/stamp: requirements/nautilus.txt .venv/dev.stamp
	@echo "Preparing .venv-nautilus with what the benchmark compares with (once)."
	@rm -rf .venv-nautilus
	@.venv/bin/uv venv --quiet --python .venv/bin/python .venv-nautilus
	@.venv/bin/uv pip install --quiet --compile-bytecode --python .venv-nautilus/bin/python --require-hashes -r requirements/nautilus.txt
	@touch $@

bench-page: .venv/dev.stamp
	@.venv/bin/python -m tests.benchmarks.exit.page build/bench/exit.jsonl docs/reference/speed.md README.md

bench-ledger: .venv/dev.stamp
	@.venv/bin/python tests/benchmarks/bench_ledger.py $(ARGS)

gauntlet: .venv/dev.stamp
	@.venv/bin/python -m compileall -q src tests
	@.venv/bin/python -m tests.benchmarks.gauntlet $(ARGS)

race: .venv/dev.stamp
	@BASTION_RACE_ROUNDS=1000 .venv/bin/python -m pytest -q tests/integration/margin_venue/test_exit_race.py $(ARGS)

conformance: .venv/dev.stamp
	@.venv/bin/python -m tests.conformance.mcp_protocol.run

cuts: .venv/dev.stamp
	@.venv/bin/python -m tests.acceptance.mcp.cuts

kills: .venv/dev.stamp
	@.venv/bin/python -m tests.integration.kills.sweep

wires: .venv/dev.stamp
	@BASTION_WIRES=all .venv/bin/python -m pytest -q tests/integration/wires $(ARGS)

bundle: .venv/dev.stamp
	@.venv/bin/python -m bundle.build

docs: .venv/dev.stamp
	@.venv/bin/python -m bastion.surfaces.reference .

format: .venv/dev.stamp
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

simulate: .venv/dev.stamp
	@$(if $(filter b,$(DEPTH)),$(if $(SEEDS),SEEDS=$(SEEDS)) .venv/bin/python -m tests.simulation.wires $(N) $(if $(KEEP),--keep) $(ARGS),\
	$(if $(N),.venv/bin/python -m tests.simulation.exits $(N) $(if $(KEEP),--keep) $(ARGS),\
	$(if $(SEEDS),SEEDS=$(SEEDS)) .venv/bin/python -m pytest tests/simulation $(ARGS)))

mutate: .venv/dev.stamp
	@.venv/bin/python -m tests.mutation.run $(MODULES) $(if $(SAMPLE),--sample $(SAMPLE)) $(ARGS)

mutants: .venv/dev.stamp
	@.venv/bin/python -m tests.simulation.exits.hunt $(ARGS)

# uv comes with the requirements of the checks, so that locking needs nothing installed by hand either.
COMPILE = .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
	  --no-annotate --no-header --quiet

lock: .venv/dev.stamp
	@$(COMPILE) pyproject.toml requirements/build.in -o requirements/run.txt
	@$(COMPILE) pyproject.toml requirements/build.in requirements/dev.in -o requirements/dev.txt
	@$(COMPILE) requirements/mcp-1.in -o requirements/mcp-1.txt
	@$(COMPILE) requirements/nautilus.in -o requirements/nautilus.txt

clean:
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	@find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean
	@rm -rf .venv .venv-nautilus
