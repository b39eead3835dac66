"""What a run leaves behind: its record, its journal, the ledger, and whether it can be trusted."""
