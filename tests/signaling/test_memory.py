"""How many bytes of Python's memory a held softphone takes: connected, its call answered."""

from __future__ import annotations

import tracemalloc
from typing import Any

from locust_softphone.signaling.softphone import Softphone
from locust_softphone.signaling.target import Target
from tests.edge_process import running_edge
from tests.signaling.softphones import Time, a_fleet

MANY = 100
MOST = 1_900
"""Measured: 1,660 with Python 3.11. Under Locust, the greenlet of each and its stacks take the most: about 8 KB."""

POLICY = "limits: {handshake: {rate: 1/s, burst: 500}, offer: {rate: 1/s, burst: 500}}"


class KeepsNothing:
    """An observer."""

    def __getattr__(self, event: str) -> Any:
        return lambda *_, **__: None


def test_a_held_softphone_is_small() -> None:
    with running_edge(POLICY) as edge:
        observer: Any = KeepsNothing()
        context = a_fleet(Target.parse(edge.url).resolved(), observer, Time(), like="recommended")
        phones = [Softphone(context, 0, 0.0)]
        assert phones[0].call()  # which makes what all of them share
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for number in range(1, MANY + 1):
                phones.append(Softphone(context, number, 0.0))
                assert phones[-1].call()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        for phone in phones:
            phone.hang_up()
    assert (after - before) / MANY < MOST
