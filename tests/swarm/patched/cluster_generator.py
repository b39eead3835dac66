"""The generator of a cluster, with a runner that keeps the messages and workers that answer as a test wants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from locust.event import Events
from locust.stats import RequestStats

from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError
from locust_softphone.metrics.tally import Tally
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.target import Target
from locust_softphone.swarm.cluster import cluster_generator
from locust_softphone.swarm.cluster.cluster_generator import ClusterGenerator
from locust_softphone.swarm.cluster.master import Master
from locust_softphone.swarm.cluster.messages import MessageType

TEN_A_SECOND = Profile.model_validate({"name": "ten", "users": 60, "ramp": {"rate": "10/s"}, "hold": "1s"})
ACCOUNT = Account(Hosts.one(Target("127.0.0.1", 1)), Credentials("id", "secret"))


class Runner:
    """The part of Locust's MasterRunner that is used; its workers answer echoes at once."""

    def __init__(self) -> None:
        self.environment = SimpleNamespace(events=Events(), stats=RequestStats(), parsed_options=None)
        self.clients = {worker: SimpleNamespace(state="running") for worker in "ab"}
        self.sent: defaultdict[str, list[tuple[str | None, Any]]] = defaultdict(list)
        self.silent: set[str] = set()
        self.answer: Callable[[str, str, Any], None] = lambda *_: None

    def send_message(self, kind: str, data: Any = None, worker: str | None = None) -> None:
        self.sent[kind].append((worker, data))
        if kind == MessageType.ECHO and worker and worker not in self.silent:
            self.answer(MessageType.ECHO, worker, data)

    def slots(self, kind: MessageType) -> dict[str | None, list[int]]:
        """The slots in the messages of this kind, by worker."""
        return {worker: data["slots"] for worker, data in self.sent[kind]}


@pytest.fixture
def runner() -> Runner:
    return Runner()


@pytest.fixture
def cluster(runner: Runner) -> ClusterGenerator:
    anything: Any = runner
    made = ClusterGenerator(anything, TEN_A_SECOND, ACCOUNT, ["a", "b"])
    runner.answer = made.receive
    return made


def say(cluster: ClusterGenerator, kind: MessageType, worker: str, data: dict[str, Any]) -> None:
    """Let a worker say this in the cluster's run."""
    cluster.receive(kind, worker, {**data, "run": cluster.run_id})


def a_report(until_s: float, **counts: int) -> dict[str, Any]:
    tally = Tally()
    tally.counts.update(counts)
    return {"until_s": until_s, "tally": tally.to_plain()}


def test_each_worker_gets_its_slots(cluster: ClusterGenerator, runner: Runner) -> None:
    cluster.prepare()
    assert runner.slots(MessageType.PLAN) == {"a": list(range(0, 60, 2)), "b": list(range(1, 60, 2))}


def test_all_workers_begin_at_the_same_instant(cluster: ClusterGenerator, runner: Runner) -> None:
    cluster.begin(0.5)
    begins = {worker: data["in_s"] for worker, data in runner.sent[MessageType.BEGIN]}
    assert set(begins) == {"a", "b"}
    assert list(begins.values()) == pytest.approx([0.5, 0.5], abs=0.25)


def test_what_workers_report_is_taken_once(cluster: ClusterGenerator) -> None:
    say(cluster, MessageType.TALLY, "a", a_report(2.0, started=3))
    say(cluster, MessageType.TALLY, "b", a_report(1.5, started=4))
    assert cluster.known_until_s == 1.5, "the oldest last report"
    assert cluster.take().counts["started"] == 7
    assert cluster.take().counts["started"] == 0


def test_it_is_over_when_all_workers_have_finished(cluster: ClusterGenerator) -> None:
    say(cluster, MessageType.FINISHED, "a", {})
    say(cluster, MessageType.FINISHED, "b", {})
    assert not cluster.over, "it has not begun"
    cluster.begin(0.0)
    assert cluster.over


def test_a_silent_worker_is_lost_and_the_others_take_over(
    cluster: ClusterGenerator, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_generator, "SILENT_S", 0.05)
    monkeypatch.setattr(cluster_generator, "_CHECK_EVERY_S", 0.02)
    cluster.begin(0.0)
    runner.silent = {"a"}
    with gevent.Timeout(10.0):
        while not runner.sent[MessageType.ADD_SLOTS]:
            gevent.sleep(0.01)
    moved = runner.slots(MessageType.ADD_SLOTS)
    assert set(moved) == {"b"}
    assert moved["b"] == list(range(moved["b"][0], 60, 2)), "all slots of the lost worker that were still to come"
    assert (MessageType.STOP, "a") in [(kind, worker) for kind in runner.sent for worker, _ in runner.sent[kind]]
    assert cluster.summary()["lost"] == 1
    assert cluster.problems()[0].startswith("1 of 2 workers lost")


def test_a_worker_that_joins_late_gets_every_nth_remaining_slot(cluster: ClusterGenerator, runner: Runner) -> None:
    cluster.begin(0.0)
    cluster.receive(MessageType.JOINED, "c", {})
    added = runner.slots(MessageType.ADD_SLOTS)["c"]
    released = runner.slots(MessageType.RELEASE_SLOTS)
    assert added == list(range(added[0], 60, 3))
    assert sorted([*released["a"], *released["b"]]) == added
    assert cluster.workers == 3


def test_a_worker_that_joins_before_the_start_has_no_part(cluster: ClusterGenerator, runner: Runner) -> None:
    cluster.receive(MessageType.JOINED, "c", {})
    assert cluster.workers == 2
    assert runner.sent[MessageType.PLAN] == []


def test_a_429_is_forwarded_to_the_other_workers(cluster: ClusterGenerator, runner: Runner) -> None:
    hold = {"step": "offer", "for_s": 2.0}
    say(cluster, MessageType.BACK_OFF, "a", hold)
    assert runner.sent[MessageType.BACK_OFF] == [("b", {**hold, "run": cluster.run_id})]


def test_what_a_worker_says_of_another_run_is_ignored(cluster: ClusterGenerator) -> None:
    cluster.receive(MessageType.TALLY, "a", {**a_report(2.0, started=3), "run": "the one before"})
    cluster.receive(MessageType.TALLY, "a", a_report(2.0, started=3))
    say(cluster, MessageType.TALLY, "stranger", a_report(2.0, started=3))
    assert cluster.take().counts["started"] == 0
    assert cluster.summary()["lost"] == 0


def test_stop_waits_until_all_workers_have_reported(cluster: ClusterGenerator, runner: Runner) -> None:
    cluster.begin(0.0)
    stopping = gevent.spawn(cluster.stop)
    gevent.sleep(0)
    assert {worker for worker, _ in runner.sent[MessageType.STOP]} == {"a", "b"}
    say(cluster, MessageType.STOPPED, "a", a_report(1.0, started=1))
    gevent.sleep(0.1)
    assert not stopping.ready()
    assert cluster.problems() == ["1 of 2 workers did not report at the end"]
    say(cluster, MessageType.STOPPED, "b", a_report(1.0, started=1))
    stopping.get(timeout=10.0)
    assert cluster.take().counts["started"] == 2
    assert cluster.problems() == []


def test_a_worker_of_another_version_is_refused(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    anything: Any = runner
    master = Master(anything)
    monkeypatch.setattr(Master, "worker_ids", ["a"])
    master._on_message(None, SimpleNamespace(type=MessageType.JOINED, node_id="a", data={"version": "9.9.9"}))
    with pytest.raises(InputError, match=r"worker a has locust-softphone 9\.9\.9"):
        master.generator(TEN_A_SECOND, ACCOUNT)
