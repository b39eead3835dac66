"""The models of limits next to limiters that are not ours: nginx, haproxy, and the package limits."""
