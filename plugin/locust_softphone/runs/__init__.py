"""A run on disk: its record and journal, the ledger against the edge's counters, and whether the generator kept up."""
