"""Gauntlet: anyone's exit program in the fault menu of the paper exchange, scored by its ledger."""
