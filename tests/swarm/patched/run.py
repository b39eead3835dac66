"""One run with a generator that measures what a test says: its phases, its record, and why it is invalid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gevent
import locust  # noqa: F401 - patches what the rest imports
import pytest

from locust_softphone.config.profile import Profile
from locust_softphone.errors import InputError
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.record import RunRecord
from locust_softphone.signaling.account import Account
from locust_softphone.signaling.hosts import Hosts
from locust_softphone.signaling.oauth import Credentials
from locust_softphone.signaling.target import Target
from locust_softphone.swarm import edge_under_test
from locust_softphone.swarm.edge_under_test import EdgeUnderTest
from locust_softphone.swarm.options import RunOptions, StartupOptions
from locust_softphone.swarm.run import Run, users_for
from tests.signaling.scripted_server import says, serving

ACCOUNT = Account(Hosts.one(Target("127.0.0.1", 1)), Credentials("id", "secret"))


class Generator:
    """A ``Generator`` whose clock and measurements a test sets."""

    def __init__(self, *missing: str, started: int = 4, workers: int = 0) -> None:
        self.workers = workers
        self.over = self.stopped = False
        self.now_s = 0.0
        self._missing = list(missing)
        self._tally = Tally()
        for _ in range(started):
            self._tally.count("started", 0.0)

    def prepare(self) -> None:
        if self._missing == ["resources"]:
            raise InputError("too few files")

    def begin(self, in_s: float) -> None:
        self.now_s = -in_s

    def clock(self) -> float:
        return self.now_s

    @property
    def known_until_s(self) -> float:
        return self.now_s

    def stop(self) -> None:
        self.stopped = True

    def take(self) -> Tally:
        taken, self._tally = self._tally, Tally()
        return taken

    def summary(self) -> dict[str, Any] | None:
        return None

    def problems(self) -> list[str]:
        return self._missing


def options(folder: Path, **profile: Any) -> RunOptions:
    startup = StartupOptions(
        host=None,
        region=None,
        authorized=False,
        users=(),
        call_to=None,
        client_id="",
        form_encoded=True,
        keep_going=False,
        client_secret="",
        ca=None,
        runs=folder,
        policy=None,
    )
    plan = Profile.model_validate({"name": "tiny", "users": 4, "ramp": "0s", "hold": "1s", **profile})
    return RunOptions(plan, None, startup)


def a_run(folder: Path, generator: Generator, **profile: Any) -> Run:
    return Run(options(folder, **profile), EdgeUnderTest(ACCOUNT, None, None), generator, 1)


def judged(run: Run, generator: Generator, *, over: bool = True) -> RunRecord:
    run.begin()
    gevent.sleep(0)
    generator.now_s, generator.over = 1.5, over
    run.collect()
    return run.judge()


def test_a_run_ends_with_a_record_and_without_a_journal(tmp_path: Path) -> None:
    generator = Generator()
    run = a_run(tmp_path, generator)
    record = judged(run, generator)
    assert (run.folder / "journal.jsonl").exists()
    path = run.save()
    run.close()
    assert generator.stopped
    assert path.read_text() == record.to_json()
    assert [each.name for each in run.folder.iterdir()] == ["run.json"]
    assert (record.totals.started, record.times.ended) == (4, "plan over")
    assert record.validity.valid


def test_a_run_whose_record_is_not_saved_keeps_its_journal(tmp_path: Path) -> None:
    generator = Generator()
    run = a_run(tmp_path, generator)
    judged(run, generator)
    run.close()
    assert [each.name for each in run.folder.iterdir()] == ["journal.jsonl"]


@pytest.mark.parametrize(
    ("generator", "over", "reason"),
    [
        (Generator("1 of 2 workers lost"), True, "1 of 2 workers lost"),
        (Generator(), False, "the run was stopped before its plan was over"),
        (Generator(started=3), True, "only 3 of 4 planned softphones started"),
    ],
    ids=["measurements are missing", "stopped early", "too few starts"],
)
def test_a_run_that_cannot_be_trusted_says_why(tmp_path: Path, generator: Generator, over: bool, reason: str) -> None:
    record = judged(a_run(tmp_path, generator), generator, over=over)
    assert (record.validity.valid, record.validity.reasons) == (False, (reason,))
    assert record.exit_code == 3


def test_the_clock_is_0_before_the_start_and_constant_after_the_end(tmp_path: Path) -> None:
    generator = Generator()
    run = a_run(tmp_path, generator)
    generator.now_s = 7.0
    assert run.clock() == 0.0
    judged(run, generator)
    generator.now_s = 9.0
    assert run.clock() == 1.5


def test_a_run_is_aborted_when_an_expectation_can_no_longer_hold(tmp_path: Path) -> None:
    generator = Generator()
    run = a_run(tmp_path, generator, expect=[{"expect": "time_to_connected < 2s", "abort": True}])
    run.begin()
    generator.now_s = 2.5
    with gevent.Timeout(30.0):
        while run.active:
            gevent.sleep(0.01)
    assert generator.stopped
    run.collect()
    record = run.judge()
    assert (record.times.ended, record.aborted and record.aborted.by) == ("aborted", "time_to_connected < 2s")


def test_an_edge_that_was_started_is_stopped_if_the_generator_cannot_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[EdgeUnderTest] = []
    monkeypatch.setattr(EdgeUnderTest, "open", lambda _: EdgeUnderTest(ACCOUNT, None, None))
    monkeypatch.setattr(EdgeUnderTest, "close", lambda edge: closed.append(edge))
    with pytest.raises(InputError, match="too few files"):
        Run.prepare(options(tmp_path), lambda _: Generator("resources"), 1)
    assert len(closed) == 1


@pytest.mark.parametrize(("softphones", "workers", "users"), [(10, 1, 10), (10, 4, 12), (12, 4, 12), (1, 3, 3)])
def test_all_workers_get_equally_many_users(softphones: int, workers: int, users: int) -> None:
    assert users_for(softphones, workers) == users


BEFORE = {"instance": "one", "steps": {"token": {"requests": 1, "admitted": 1}}, "policy": {"organisations": ["x"]}}
AFTER = {"instance": "one", "steps": {"token": {"requests": 3, "admitted": 3}}}


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (None, None, None),
        (BEFORE, None, "the edge's counters could not be read at the end"),
        (BEFORE, {**AFTER, "instance": "two"}, "the edge was restarted during the run, and its counters with it"),
        (BEFORE, AFTER, "the ledger does not balance: token: the edge counted 2 requests, softphones sent 0"),
    ],
    ids=["no counters", "unreadable", "restarted", "not balanced"],
)
def test_the_edges_counters_are_compared(
    before: dict[str, Any] | None, after: dict[str, Any] | None, problem: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_under_test, "_stats", lambda _: after)
    settled = EdgeUnderTest(ACCOUNT, None, before).settle(Tally(), "media-offer")
    assert settled.problems == (() if problem is None else (problem,))


def test_counters_that_a_proxy_refuses_at_first_are_read_later() -> None:
    refused = b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n"
    stats = b'{"server": "locust-softphone-edge", "instance": "one", "steps": {}}'
    answered = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(stats), stats)
    with serving(says(refused), says(answered)) as target:
        read = edge_under_test._stats(target)
    assert read is not None
    assert read["instance"] == "one"


def test_the_record_does_not_have_the_organisations_of_the_edge() -> None:
    assert EdgeUnderTest(ACCOUNT, None, BEFORE).describe()["policy"] == {}
