"""The field cases: each shows the symptoms of a public thread, because of one limit, and none without it.

They run in virtual time with all their softphones. One run for real, with limits of many kinds, balances the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from locust_softphone.config.policy import Policy
from locust_softphone.config.profile_files import load_profile, pack_folder
from locust_softphone.report.drop_texts import drop_causes
from locust_softphone.runs.limit_parts import StepLimit
from locust_softphone.runs.record import RunRecord
from locust_softphone.simulation.network_model import NetworkModel
from tests.simulation.simulated import OPEN, simulate
from tests.swarm.locust_process import run_locust

FIELD_CASES = sorted(path.stem for path in pack_folder().glob("field-*.yaml"))

CAUSES: Mapping[str, Mapping[str, object]] = {
    "field-408-after-300": {"offer": OPEN},
    "field-429-then-503": {"handshake": OPEN, "offer": OPEN},
    "field-429-then-drops": {"sessions": []},
    "field-burst-429-1006": {"offer": OPEN},
    "field-drops-after-45s": {"drop_all_after": None},
    "field-drops-at-50": {"sessions": []},
    "field-drops-from-1200": {"sessions": []},
    "field-paced-still-429": {"handshake": OPEN},
    "field-retry-after-30": {"sessions": []},
    "field-timer-still-429": {"offer": OPEN},
    "field-wall-at-300": {"sessions": []},
}
"""The parts of each policy that cause the symptoms, and what they are without the cause."""


DIAGNOSES: Mapping[str, Mapping[str, str]] = yaml.safe_load(Path(__file__).with_name("field_cases.yaml").read_text())
"""What a run shows: the kind of each limit, and the cause of the drops."""


def without(policy: Mapping[str, Any], causes: Mapping[str, object]) -> Policy:
    """The policy without the cause of a case."""
    limits = {**policy["limits"], **{part: free for part, free in causes.items() if part not in policy}}
    other_parts = {part: free for part, free in causes.items() if part in policy}
    return Policy.model_validate({**policy, **other_parts, "limits": limits})


def symptoms(record: RunRecord) -> dict[str, int]:
    """What users would complain about."""
    refused = {f"{step} {status}": n for step, each in record.steps.items() for status, n in each.statuses.items()}
    found = {**refused, "1006": record.abnormal_closes["total"], "not answered": 0}
    found["not answered"] = record.totals.planned - record.totals.answered
    return {name: n for name, n in found.items() if n}


def test_every_case_has_a_cause() -> None:
    assert list(CAUSES) == FIELD_CASES


@pytest.mark.parametrize("name", FIELD_CASES)
def test_the_symptoms_come_out_because_of_the_limit(name: str) -> None:
    profile = load_profile(name, [pack_folder()])
    with_limit = simulate(profile, Policy.model_validate(profile.edge))
    assert [each.text for each in with_limit.expectations if not each.held] == []
    assert with_limit.ledger is not None
    assert with_limit.ledger.balanced
    assert symptoms(with_limit)
    assert symptoms(simulate(profile, without(profile.edge, CAUSES[name]))) == {}


@pytest.mark.parametrize("name", FIELD_CASES)
def test_the_diagnosis_of_a_plain_run_names_the_true_kinds_and_nothing_else(name: str) -> None:
    profile = load_profile(name, [pack_folder()])
    record = simulate(profile, Policy.model_validate(profile.edge), NetworkModel(jitter_s=0.001), diagnosed=True)
    found = {f"{each.step} {each.status}": _likely(each) for each in record.limits or ()}
    if record.drops:
        found["drops"] = [each.kind for each in drop_causes(record.drops)]
    assert found == {limit: [kind] for limit, kind in DIAGNOSES[name].items()}


def _likely(limit: StepLimit) -> list[str]:
    return [each.kind for each in limit.hypotheses if each.likely]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("field-timer-still-429", {"ramp": "5s"}),  # one clock for all threads: the mean is also the rate
        ("field-paced-still-429", {"ramp": {"rate": "5/s"}}),  # as slow as the narrowest limit
        ("field-drops-at-50", {"softphone": {"like": "jmeter-default", "ready": "wait"}}),  # a token for each
        ("field-burst-429-1006", {"ramp": {"rate": "50/s"}}),
    ],
)
def test_what_the_client_can_do_about_it(name: str, remedy: dict[str, Any]) -> None:
    profile = load_profile(name, [pack_folder()])
    remedied = type(profile).model_validate({**profile.resolved(), **remedy})
    assert symptoms(simulate(remedied, Policy.model_validate(profile.edge))) == {}


MANY_KINDS = """
name: many-kinds
users: 30
ramp: 1s
hold: 3s
softphone: {like: jmeter-default, ready: wait}
edge:
  limits:
    token: {kind: leaky-bucket, rate: 100/s, queue: 50}
    handshake:
    - {kind: work-queue, workers: 20, queue: 50, work: 20ms}
    - {kind: fixed-window, name: hourly, quota: 26, window: 1h, refusal: {headers: [inin-ratelimit, ratelimit]}}
    offer: {kind: evicting-cap, cap: 10}
    sessions:
    - {kind: session-cap, cap: 24, refusal: {after: 200ms}}
    - {kind: cutting-cap, cap: 18, cut_after: 500ms}
"""


def test_the_ledger_balances_with_limits_of_many_kinds(tmp_path: Path) -> None:
    run = run_locust(tmp_path, profile=MANY_KINDS)
    record = run.record
    assert run.returncode == 0
    assert record["ledger"]["balanced"], record["ledger"]["problems"]
    edge = record["edge"]
    assert edge["refused_by"]["handshake"]["hourly"] == record["rate_limited"]["handshake"] == 4
    assert edge["delayed"]["handshake"] == edge["steps"]["handshake"]["admitted"]
    cuts = {cause: times for cause, times in edge["cuts"].items() if times}
    assert cuts.keys() <= {"evicted", "beyond_cap"}
    assert cuts["evicted"] > 0
    assert sum(cuts.values()) == record["abnormal_closes"]["total"] - record["abnormal_closes"]["refused"]
