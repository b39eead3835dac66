"""The simulated edge: a program that refuses, queues and drops clients as a signaling service under load does."""

from __future__ import annotations

from locust_softphone.config.policy import Policy, load_policy
from locust_softphone.edge.server import serve

__all__ = ["Policy", "load_policy", "serve"]
