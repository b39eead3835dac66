"""Twelve policies of a real simulated edge whose limit on handshakes a probe must find out, over loopback."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import Any

from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.probing.experiment import probe
from locust_softphone.probing.finding import Finding
from locust_softphone.runs.edge_process import EdgeProcess
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.dialects.by_name import dialect_for
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import SIMULATED_CREDENTIALS
from locust_softphone.signaling.target import Target
from locust_softphone.signaling.wire_target import WireTarget

__all__ = ["EDGES", "probe_edge"]

CAP: Mapping[str, Any] = {"limits": {"token": [], "handshake": [], "sessions": {"kind": "session-cap", "cap": 60}}}


def _handshake(limit: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"limits": {"token": [], "handshake": limit}}


def _window(kind: str, quota: int, window_s: int, **more: str) -> Mapping[str, Any]:
    return _handshake({"kind": kind, "quota": quota, "window": f"{window_s}s", **more})


EDGES: tuple[tuple[Kind, Mapping[str, float], Mapping[str, Any]], ...] = (
    (Kind.TOKEN_BUCKET, {"rate": 20, "burst": 40}, _handshake({"rate": "20/s", "burst": 40})),
    (Kind.TOKEN_BUCKET, {"rate": 50, "burst": 100}, _handshake({"rate": "50/s", "burst": 100})),
    (Kind.TOKEN_BUCKET, {"rate": 5, "burst": 10}, _handshake({"rate": "5/s", "burst": 10})),
    (
        Kind.TOKEN_BUCKET,
        {"rate": 30, "burst": 21},
        _handshake({"kind": "leaky-bucket", "rate": "30/s", "queue": 20, "delays": False}),
    ),
    (Kind.FIRST_WINDOW, {"window_s": 3, "quota": 30}, _window("fixed-window", 30, 3)),
    (Kind.ALIGNED_WINDOW, {"window_s": 3, "quota": 30}, _window("fixed-window", 30, 3, begins="clock")),
    (Kind.SLIDING_LOG, {"window_s": 3, "quota": 30}, _window("sliding-log", 30, 3)),
    (Kind.SLIDING_COUNTER, {"window_s": 3, "quota": 40}, _window("sliding-counter", 40, 3)),
    (Kind.MEASURED_RATE, {"window_s": 3, "quota": 40}, _window("measured-rate", 40, 3)),
    (
        Kind.PENALTY,
        {"penalty_s": 5, "rate": 20, "burst": 30},
        _handshake({"rate": "20/s", "burst": 30, "penalty": {"lasts": "5s"}}),
    ),
    (Kind.LEAKY_QUEUE, {"rate": 20}, _handshake({"kind": "leaky-bucket", "rate": "20/s", "queue": 30})),
    (Kind.CAP, {"cap": 60}, CAP),
)
"""The true kind and parameters, and the policy."""


def probe_edge(policy: Mapping[str, Any]) -> Finding:
    """Start an edge with this policy, probe its handshake, and stop it."""
    edge = EdgeProcess.with_policy(policy, "hidden")
    try:
        hosts = Hosts.one(Target.parse(edge.url).resolved())
        account = Account(hosts, SIMULATED_CREDENTIALS)
        dialect = dialect_for("media-offer", account, timeout_s=30.0, random=random.Random(1))
        target = WireTarget(dialect, "handshake", clock=time.monotonic)
        try:
            return probe(target)
        finally:
            target.end()
    finally:
        edge.stop()
