"""Measurements: steps, outcomes and attempts, tallies of counters and histograms, and the catalogue of all metrics."""
