"""Models of rate limits: pure, with the clock as an argument."""
