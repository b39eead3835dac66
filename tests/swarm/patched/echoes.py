"""Echoes: delays of messages, and how long a worker has been silent."""

from __future__ import annotations

import time

from locust_softphone.swarm.cluster.echoes import Echoes


def test_the_delay_is_half_of_the_shortest_round_trip() -> None:
    echoes = Echoes(lambda *_: None)
    assert (echoes.delay_s("a"), echoes.summary()) == (0.0, None), "nothing is known"
    for round_trip_s in (40.0, 20.0, 60.0):
        echoes.receive("a", time.perf_counter() - round_trip_s)
    echoes.receive("b", time.perf_counter() - 100.0)
    assert [round(echoes.delay_s(worker)) for worker in "abc"] == [10, 50, 0]
    assert {name: round(delay_s) for name, delay_s in (echoes.summary() or {}).items()} == {"min": 10, "max": 50}


def test_measuring_ends_when_each_worker_has_answered() -> None:
    echoes = Echoes(lambda worker, sent_s: echoes.receive(worker, sent_s))
    echoes.measure(["a", "b"])
    summary = echoes.summary()
    assert summary is not None
    assert 0.0 <= summary["min"] <= summary["max"]


def test_measuring_ends_although_a_worker_never_answers() -> None:
    echoes = Echoes(lambda worker, sent_s: echoes.receive(worker, sent_s) if worker == "a" else None)
    echoes.measure(["a", "b"])
    assert echoes.summary() is not None
    assert echoes.delay_s("b") == 0.0


def test_the_silence_of_a_worker_that_never_answered_is_counted_from_the_first_question() -> None:
    echoes = Echoes(lambda *_: None)
    assert echoes.silent_s("a") == 0.0
    first_s = echoes.silent_s("a")
    assert echoes.silent_s("a") >= first_s > 0.0
