"""The load generator of one process."""
