"""Diagnoses of nginx and haproxy, from real requests."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from locust_softphone.limits.inference.diagnosis import Diagnosis, diagnose
from locust_softphone.limits.inference.kinds import Kind
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.limits.inference.search import Bounds
from tests.interop.limits.limiting_proxies import haproxy, nginx, send_at
from tests.limits.inference.policies import separating_plan
from tests.limits.inference.virtual_client import burst_then_pace

ZONE = "limit_req_zone $binary_remote_addr zone=one:32k rate=20r/s;"
PLAN = burst_then_pace(45, 35.0, 3.0)


def diagnosed(port: int, plan: list[float]) -> Diagnosis:
    answers = send_at(port, plan)
    return diagnose(Observation(answer.sent_s, answer.answered_s, answer.admitted) for answer in answers)


def bounds_of(kind: Kind, diagnosis: Diagnosis) -> Mapping[str, Bounds]:
    """The bounds of a hypothesis that must be left; a busy machine answers so late that a cap can be left too."""
    assert {kind} <= set(diagnosis.kinds) <= {kind, Kind.CAP}
    return next(each.bounds for each in diagnosis.hypotheses if each.kind is kind)


def test_limit_req_without_delay_is_a_token_bucket() -> None:
    with nginx("limit_req zone=one burst=29 nodelay;", zone=ZONE) as port:
        diagnosis = diagnosed(port, PLAN)
    bounds = bounds_of(Kind.TOKEN_BUCKET, diagnosis)
    assert sum(bounds["rate"]) / 2 == pytest.approx(20, rel=0.03)
    assert sum(bounds["burst"]) / 2 == pytest.approx(30, abs=2)


def test_limit_req_with_delay_is_a_queue() -> None:
    with nginx("limit_req zone=one burst=29;", zone=ZONE) as port:
        diagnosis = diagnosed(port, PLAN)
    assert sum(bounds_of(Kind.LEAKY_QUEUE, diagnosis)["rate"]) / 2 == pytest.approx(20, rel=0.03)


def test_http_req_rate_is_a_measured_rate() -> None:
    with haproxy("sc_http_req_rate(0) gt 20", stored="http_req_rate(1s)") as port:
        diagnosis = diagnosed(port, separating_plan(20, 1.0, 2.3))
    found = [each.bounds for each in diagnosis.hypotheses if each.kind is Kind.MEASURED_RATE]
    assert any(bounds["window_s"].low <= 1.002 and bounds["window_s"].high >= 0.998 for bounds in found), diagnosis
