"""When to try again, how long to wait first, and how many requests that may cost."""
