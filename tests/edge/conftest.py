"""Edges for tests: a shared one with high limits, and new ones with a policy of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.edge.softphone import balanced, eventually
from tests.edge_process import EdgeProcess, running_edge

GENEROUS = """
limits: {token: {rate: 1000/s, burst: 1000}, handshake: {rate: 1000/s, burst: 1000}, offer: {rate: 1000/s, burst: 1000}}
setup: {rate: 1000/s, burst: 1000}
organisations:
- {client_id: locust-softphone, client_secret: simulated}
- {client_id: umbrella, client_secret: other}
"""

StartEdge = Callable[[str], EdgeProcess]


@pytest.fixture(scope="session")
def edge() -> Iterator[EdgeProcess]:
    """An edge whose limits are never reached, shared by all tests: compare its counters before and after."""
    with running_edge(GENEROUS) as running:
        yield running
        eventually(lambda: balanced(running.stats()))


@pytest.fixture
def start_edge() -> Iterator[StartEdge]:
    """Starts edges that end with the test; the counters of each must add up."""
    with ExitStack() as stack:
        edges: list[EdgeProcess] = []

        def start(policy: str) -> EdgeProcess:
            edges.append(stack.enter_context(running_edge(policy)))
            return edges[-1]

        yield start
        for running in edges:
            eventually(lambda running=running: balanced(running.stats()))  # type: ignore[misc]
