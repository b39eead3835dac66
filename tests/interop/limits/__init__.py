"""Compares the models of limits with other limiters: nginx, haproxy, and the package limits."""
