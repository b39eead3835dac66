"""The sentences on limits, from the recorded runs of the pack and from made-up limits."""

from __future__ import annotations

from typing import Any

import pytest

from locust_softphone.report.limit_texts import limit_texts, limits_in_detail, limits_in_short
from locust_softphone.runs.record import RunRecord
from tests.runs.records import a_record, replaced

BUCKET = {
    "kind": "token bucket",
    "bounds": {"rate": {"low": 48.9, "high": 51.2}, "burst": {"low": 147.0, "high": 153.0}},
    "foreign_share": 0.0,
    "best": {"rate": 50.0, "burst": 150.0},
    "different": 2,
    "likely": True,
}
WINDOW = {
    "kind": "fixed window aligned to a clock",
    "bounds": {"window_s": {"low": 2.0, "high": 3.0}, "quota": {"low": 146.0, "high": 165.0}},
    "foreign_share": 0.0,
    "best": {"window_s": 2.5, "quota": 150.0},
    "different": 216,
    "likely": True,
}
NOT_A_CAP = {
    "kind": "cap of open sessions",
    "least": 479.0,
    "most": 165.0,
    "admitted_from_s": 7.0,
    "admitted_until_s": 7.1,
    "refused_s": 0.2,
    "different": 0,
}
NOT_A_LOG = {**NOT_A_CAP, "kind": "sliding log", "least": 217.0, "admitted_from_s": 0.1, "admitted_until_s": 2.0}
TOLD = {
    "refusals": 300,
    "least_s": 1.0,
    "most_s": 4.0,
    "heeded": 287,
    "heeded_refused": 3,
    "early": 0,
    "early_admitted": 0,
}


def sized(kind: str, foreign_share: float = 0.0, **bounds: tuple[float, float | None]) -> dict[str, Any]:
    """A hypothesis with these bounds and no best fit."""
    between = {name: {"low": low, "high": high} for name, (low, high) in bounds.items()}
    return {**BUCKET, "kind": kind, "bounds": between, "foreign_share": foreign_share, "best": {}}


def with_limit(**parts: Any) -> RunRecord:
    limit = {
        "step": "handshake",
        "status": 429,
        "requests": 974,
        "refused": 474,
        "unclear": 0,
        "until_s": None,
        "hypotheses": [BUCKET],
        "ruled_out": [],
        "experiment": "",
        "told": None,
        **parts,
    }
    return replaced(a_record(), limits=[limit])


def test_a_record_without_limits_has_nothing_to_say() -> None:
    assert list(limits_in_short(a_record())) == []
    assert limit_texts(replaced(a_record(), limits=None)) == []


def test_the_only_hypothesis_is_named_with_its_best_fit_and_its_bounds() -> None:
    assert list(limits_in_short(with_limit())) == [
        "handshake: 474 of 974 requests were refused with 429. Token bucket, about 150 at once, then 50 a second "
        "(bounds: 147 to 153 at once, then 48.9 to 51.2 a second)."
    ]


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        (
            {"hypotheses": [{**BUCKET, "best": {}}]},
            "Token bucket, 147 to 153 at once, then 48.9 to 51.2 a second.",
        ),
        (
            {"hypotheses": [{**BUCKET, "best": {}, "foreign_share": 0.02}]},
            "Token bucket, 147 to 153 at once, then 48.9 to 51.2 a second. The bounds allow for 2% of the limit used "
            "by other clients.",
        ),
        (
            {"hypotheses": [{**BUCKET, "best": {}}, {**WINDOW, "best": {}}]},
            "146 to 165 pass at once, whatever the kind. Cannot tell which of these: token bucket, 147 to 153 at once, "
            "then 48.9 to 51.2 a second; or fixed window aligned to a clock, 146 to 165 in 2 to 3 s.",
        ),
        (
            {
                "hypotheses": [
                    sized("cap of open sessions", cap=(27.3, 51.6), foreign_share=0.22),
                    sized("token bucket", burst=(1.0, 38.3), rate=(0.0, 21788.0), foreign_share=0.22),
                ],
                "unclear": 38,
            },
            "At most 51 pass at once, whatever the kind; this run cannot show the rate. Cannot tell which of these: "
            "cap of open sessions, 28 to 51 at once; or token bucket, at most 38 at once, then at a rate that the run "
            "cannot show. The bounds allow for 22% of the limit used by other clients and by attempts that were "
            "neither admitted nor refused by it.",
        ),
        (
            {
                "hypotheses": [
                    sized("token bucket", burst=(1.0, 323.0), rate=(0.0, 65735.0)),
                    sized("measured rate, refusals count", quota=(200.0, 499.0), window_s=(1.0, 2.0)),
                ],
                "requests": 500,
                "refused": 178,
            },
            "At most 322 passed at once; this run cannot show the rate. Cannot tell which of these: token bucket, at "
            "most 323 at once, then at a rate that the run cannot show; or measured rate, refusals count, 200 to 499 "
            "in 1 to 2 s.",
        ),
        (
            {"hypotheses": [sized("token bucket", burst=(1.0, 325.0), rate=(35.9, 21194.0))]},
            "Token bucket, at most 325 at once, then at least 35.9 a second.",
        ),
        (
            {"hypotheses": [sized("token bucket", burst=(39.8, 40.1), rate=(0.0, 86.0))]},
            "Token bucket, 40 at once, then at most 86 a second.",
        ),
        (
            {"hypotheses": [sized("cap of open sessions", cap=(120.0, None))]},
            "Cap of open sessions, at least 120 at once.",
        ),
        ({"hypotheses": []}, "Cannot tell which limit it was: too few refusals."),
        (
            {"hypotheses": [], "ruled_out": [NOT_A_CAP]},
            "Cannot tell which limit it was: no single limit of a known kind explains all decisions.",
        ),
    ],
)
def test_what_is_not_certain_is_not_stated_as_certain(parts: dict[str, Any], answer: str) -> None:
    (text,) = limit_texts(with_limit(**parts))
    assert text.answer == answer


def test_attempts_that_were_refused_for_another_reason_are_among_all_requests() -> None:
    (text,) = limit_texts(with_limit(step="offer", requests=97, refused=97, unclear=50, hypotheses=[]))
    assert text.title == "offer: 97 of 147 requests were refused with 429"


def test_an_unlikely_hypothesis_is_a_note() -> None:
    (text,) = limit_texts(with_limit(hypotheses=[BUCKET, {**WINDOW, "likely": False}]))
    assert text.answer.startswith("Token bucket, about 150 at once")
    assert any(note.startswith("Unlikely: fixed window aligned to a clock") and "216" in note for note in text.notes)


def test_each_kind_that_is_ruled_out_has_the_observation_that_rules_it_out() -> None:
    (text,) = limit_texts(with_limit(ruled_out=[NOT_A_CAP, NOT_A_LOG, {**NOT_A_LOG, "kind": "sliding counter"}]))
    assert text.ruled_out == (
        "Not a cap of open sessions: a request was refused while at most 165 were open, and one admitted while 478 "
        "were.",
        "Not a sliding log or a sliding counter: the admissions between 0.100 s and 2.000 s need a size of 217 or "
        "more, but the refusal at 0.200 s one of 165 or less.",
    )


def test_what_was_told_is_compared_with_what_was_true() -> None:
    assert "handshake: Of 287 who came back when told or later, 3 were refused again." in list(
        limits_in_detail(with_limit(told=TOLD))
    )


def test_the_experiment_is_named_only_if_several_hypotheses_are_left() -> None:
    both = with_limit(hypotheses=[BUCKET, WINDOW], experiment="ask again")
    assert any("locust-softphone probe" in line for line in limits_in_detail(both))
    assert sum("locust-softphone probe" in line for line in limits_in_short(both)) == 1
    one = with_limit(hypotheses=[BUCKET, {**WINDOW, "likely": False}], experiment="ask again")
    assert not any("locust-softphone probe" in line for line in (*limits_in_detail(one), *limits_in_short(one)))


def test_a_queue_without_refusals_is_told_as_a_wait() -> None:
    queue = {
        **BUCKET,
        "kind": "leaky bucket as a queue",
        "bounds": {"rate": {"low": 99.0, "high": 101.0}},
        "best": {},
        "different": None,
    }
    assert list(limits_in_short(with_limit(step="ready", status=None, refused=0, hypotheses=[queue]))) == [
        "ready: none of 974 requests was refused, but they had to wait. Leaky bucket as a queue, 99 to 101 a second "
        "are served, the others wait."
    ]


def test_a_limit_of_a_run_from_several_source_addresses_does_not_count_by_them() -> None:
    record = replaced(with_limit(), source_addresses=3, profile=a_record(softphone={"token": "per-softphone"}).profile)
    (text,) = limit_texts(record)
    assert text.notes[0] == (
        "Counted over all softphones, by organisation or OAuth client: there was one of each. "
        "There were 3 source addresses."
    )


@pytest.mark.parametrize(
    ("workers", "token", "keys"),
    [
        (0, "per-softphone", "organisation, OAuth client or source address"),
        (0, "shared", "organisation, OAuth client, source address or token"),
        (2, "per-softphone", "organisation or OAuth client"),
    ],
)
def test_what_the_limit_may_count_by_is_what_the_run_had_one_of(workers: int, token: str, keys: str) -> None:
    record = replaced(with_limit(), workers=workers, profile=a_record(softphone={"token": token}).profile)
    (text,) = limit_texts(record)
    assert text.notes[0] == f"Counted over all softphones, by {keys}: there was one of each."
