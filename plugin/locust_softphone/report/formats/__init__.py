"""A comparison for other readers: a pull request, a program, a CI system, Prometheus."""
