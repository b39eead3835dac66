"""From what was measured to what is said: the run record, the ledger, the comparison, the terminal."""
