"""What is measured: steps, outcomes, attempts, counters and histograms, and the catalogue of all metrics."""
