"""The ledger: cases that balance and cases that do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from locust_softphone.metrics.attempt import Attempt
from locust_softphone.metrics.outcome import Outcome, outcome_of_status
from locust_softphone.metrics.tally import Tally
from locust_softphone.runs.ledger import balance, since

Counts = Mapping[str, int]
OK = Outcome.OK


def softphones(*attempts: tuple[int, Outcome, int | None]) -> Counts:
    """A tally's counters for so many offers of each outcome and status."""
    tally = Tally()
    for n, outcome, status in attempts:
        for _ in range(n):
            tally.attempt(Attempt("offer", 0.0, 0.0, 0.0, outcome, status))
    return tally.counts


def edge(admitted: int = 0, cut: int = 0, **refused: int) -> dict[str, Any]:
    """The edge's counters for offers; refusals as ``http_429=3``."""
    by_status = {name.removeprefix("http_"): n for name, n in refused.items()}
    requests = admitted + cut + sum(refused.values())
    return {"offer": {"requests": requests, "admitted": admitted, "cut": cut, "refused": by_status}}


def row(step: str, balanced: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in balanced["rows"] if each["step"] == step)
    return found


@pytest.mark.parametrize(
    ("counts", "edge_steps", "cut", "never_arrived", "why"),
    [
        ({}, {}, 0, 0, "a run in which nothing happened"),
        (softphones((5, OK, None)), edge(admitted=5), 0, 0, "every answer is one that the edge gave"),
        (softphones((5, OK, None), (3, Outcome.RATE_LIMITED, 429)), edge(admitted=5, http_429=3), 0, 0, "refusals too"),
        (softphones((1, Outcome.BAD_ANSWER, 201)), edge(admitted=1), 0, 0, "a wrong answer is an answer"),
        (softphones((2, Outcome.MALFORMED, 101)), edge(admitted=2), 0, 0, "so is a success that breaks the protocol"),
        (softphones((2, Outcome.RESET, None)), edge(cut=2), 2, 0, "a request that the edge cut short"),
        (softphones((2, Outcome.RESET, None)), edge(), 0, 2, "a connection lost before the request was there"),
        (
            softphones((2, Outcome.TIMED_OUT, None)),
            edge(admitted=2),
            0,
            0,
            "answered after the softphone gave up waiting",
        ),
        (
            softphones((2, Outcome.CANCELLED, None)),
            edge(admitted=1),
            0,
            1,
            "stopped: one was there already, one was not",
        ),
        (
            softphones((2, Outcome.CANCELLED, None)),
            edge(http_429=2),
            0,
            0,
            "stopped while the refusals were on their way",
        ),
        (softphones((4, Outcome.CONNECT_REFUSED, None)), edge(), 0, 4, "no connection, no request"),
        ({**softphones((1, OK, None)), "connections_reopened": 1}, edge(admitted=2), 0, -1, "sent again: two requests"),
        (softphones((1, Outcome.LOST, 429)), edge(http_429=1), 0, 0, "the status was read before the connection went"),
    ],
)
def test_a_ledger_balances(
    counts: Counts, edge_steps: Mapping[str, Any], cut: int, never_arrived: int, why: str
) -> None:
    balanced = balance(counts, edge_steps)
    assert balanced["problems"] == [], why
    assert balanced["balanced"] is True, why
    offers = row("offer", balanced)
    assert (offers["cut"], offers["never_arrived"]) == (cut, never_arrived), why
    assert offers["attempts"] == sum(offers[part] for part in ("admitted", "refused", "cut", "never_arrived")), why


@pytest.mark.parametrize(
    ("counts", "edge_steps", "problem", "why"),
    [
        (
            softphones((5, OK, None)),
            edge(admitted=4),
            "offer: softphones saw 5 admissions, the edge counted 4",
            "the edge counted one less",
        ),
        (
            softphones((5, OK, None)),
            edge(admitted=6),
            "offer: the edge counted 6 requests, softphones sent 5",
            "the edge has one too many",
        ),
        (
            softphones((5, OK, None)),
            edge(admitted=5, http_429=1),
            "offer: the edge counted 6 requests, softphones sent 5",
            "one too many, though it was refused",
        ),
        (
            softphones((5, OK, None)),
            edge(admitted=5, cut=1),
            "offer: the edge counted 6 requests, softphones sent 5",
            "one too many, though it was cut",
        ),
        (
            softphones((1, Outcome.PROXY_ERROR, 502)),
            edge(),
            "offer: softphones saw 1 refusals with HTTP 502, the edge counted 0",
            "a refusal that the edge never gave: something in between did",
        ),
        (
            softphones((3, Outcome.RATE_LIMITED, 429)),
            edge(http_401=3),
            "offer: softphones saw 3 refusals with HTTP 429, the edge counted 0",
            "the numbers agree, the reasons do not",
        ),
        (
            softphones((2, Outcome.CONNECT_REFUSED, None)),
            edge(admitted=1),
            "offer: the edge counted 1 requests, softphones sent 0",
            "a request from a softphone that never had a connection",
        ),
        (
            softphones((1, Outcome.CANCELLED, None)),
            edge(admitted=2),
            "offer: the edge counted 2 requests, softphones sent 1",
            "a cancelled attempt explains one request, not two",
        ),
        (
            {},
            edge(admitted=1),
            "offer: the edge counted 1 requests, softphones sent 0",
            "a request that no softphone sent",
        ),
    ],
)
def test_a_ledger_does_not_balance(counts: Counts, edge_steps: Mapping[str, Any], problem: str, why: str) -> None:
    balanced = balance(counts, edge_steps)
    assert balanced["balanced"] is False, why
    assert problem in balanced["problems"], why


def test_too_many_answers_of_one_kind_do_not_make_up_for_missing_ones_of_another() -> None:
    balanced = balance(softphones((5, OK, None), (5, Outcome.RATE_LIMITED, 429)), edge(admitted=6, http_429=4))
    assert balanced["problems"] == ["offer: softphones saw 5 refusals with HTTP 429, the edge counted 4"]


def test_each_step_is_balanced_by_itself() -> None:
    counts = {"attempts.token": 1, "outcomes.token.ok": 1, **softphones((1, OK, None))}
    balanced = balance(counts, edge(admitted=2))
    assert [each["step"] for each in balanced["rows"]] == ["token", "handshake", "offer"]
    assert balanced["problems"] == [
        "token: softphones saw 1 admissions, the edge counted 0",
        "offer: the edge counted 2 requests, softphones sent 1",
    ]


@pytest.mark.parametrize(
    ("edge_steps", "never_arrived", "why"),
    [
        (edge(admitted=5), 6, "what a proxy refuses never arrives"),
        (edge(admitted=7), 4, "two had reached the edge when the proxy gave up waiting"),
    ],
)
def test_what_something_in_between_answers_is_not_the_edges(
    edge_steps: Mapping[str, Any], never_arrived: int, why: str
) -> None:
    tally = Tally()
    for status in (429, 429, 429, 429, 504, 504):
        outcome = outcome_of_status(status)
        tally.attempt(Attempt("offer", 0.0, 0.0, 0.0, outcome, status, foreign=True))
    balanced = balance({**tally.counts, "attempts.offer": 11, "outcomes.offer.ok": 5}, edge_steps)
    assert balanced["problems"] == [], why
    offers = row("offer", balanced)
    assert (offers["not_the_edges"], offers["never_arrived"]) == ({"429": 4, "504": 2}, never_arrived), why


HANDSHAKES = {"attempts.handshake": 5, "outcomes.handshake.ok": 3, "outcomes.handshake.timed_out": 1}
REFUSED = {"outcomes.handshake.rate_limited": 1, "status.handshake.429": 1}
EDGE = {"handshake": {"requests": 5, "admitted": 4, "refused": {"429": 1}, "cut": 0}}


@pytest.mark.parametrize(
    ("ended", "sessions", "problems", "why"),
    [
        ({"closes.1000": 3, "closes.1006": 2}, 4, [], "a failed handshake is a close with 1006, and one was admitted"),
        ({"closes.1000": 3, "closes.1006": 2}, 3, [], "the handshake without an answer did not reach the edge"),
        ({"closes.1000": 1, "closes.1001": 1, "closes.1006": 2, "cut_off": 1}, 4, [], "any end counts"),
        (
            {"closes.1000": 1, "closes.1006": 2},
            4,
            ["sessions: the edge counted 4, softphones can account for 2"],
            "two softphones never hung up",
        ),
    ],
)
def test_the_end_of_each_session_is_known(
    ended: Mapping[str, int], sessions: int, problems: list[str], why: str
) -> None:
    balanced = balance({**HANDSHAKES, **REFUSED, **ended}, EDGE, sessions=sessions)
    assert balanced["problems"] == problems, why


def test_steps_without_a_request_are_not_balanced() -> None:
    assert balance({"attempts.ready": 7, "attempts.close": 7, "outcomes.ready.ok": 7}, {})["balanced"] is True


BEFORE = {"server": "edge", "version": "1", "policy": {"patience": 3}, "lost": 2, "sessions": {"open": 4, "total": 9}}


@pytest.mark.parametrize(
    ("before", "after", "gained"),
    [
        ({}, {"lost": 3}, {"lost": 3}),
        ({"lost": 2}, {"lost": 2}, {"lost": 0}),
        ({"closes": {"1000": 1}}, {"closes": {"1000": 4, "1006": 2}}, {"closes": {"1000": 3, "1006": 2}}),
        (BEFORE, {**BEFORE, "lost": 5, "sessions": {"open": 1, "total": 12}}, {"lost": 3, "sessions": {"total": 3}}),
        (
            {"steps": {}},
            {"steps": {"offer": {"admitted": 1, "refused": {}}}},
            {"steps": {"offer": {"admitted": 1, "refused": {}}}},
        ),
    ],
)
def test_since_has_by_how_much_counters_grew_and_no_other_values(
    before: Mapping[str, Any], after: Mapping[str, Any], gained: Mapping[str, Any]
) -> None:
    assert since(before, after) == gained


@pytest.mark.parametrize(
    ("attempts", "edge_steps", "doubled", "foreign", "row_has", "problems"),
    [
        (
            [(20, OK, None), (5, Outcome.TIMED_OUT, None)],
            edge(admitted=25),
            5,
            {},
            {"never_arrived": 5, "doubled": 5},
            ["offer: 5 requests reached the edge twice"],
        ),
        (
            [(20, OK, None), (5, Outcome.TIMED_OUT, None)],
            edge(admitted=25),
            0,
            {"admitted": 5},
            {"never_arrived": 5, "foreign": 5, "admitted": 20},
            ["offer: 5 requests at the edge were not made by softphones"],
        ),
        (
            [(20, OK, None), (5, Outcome.TIMED_OUT, None)],
            edge(admitted=25),
            0,
            {},
            {"never_arrived": 0, "doubled": 0, "foreign": 0},
            [],
        ),
        (
            [(20, OK, None), (2, Outcome.RATE_LIMITED, 429)],
            edge(admitted=20, http_429=5, cut=1),
            0,
            {"429": 3, "cut": 1},
            {"never_arrived": 0, "foreign": 4, "refused": 2, "cut": 0},
            ["offer: 4 requests at the edge were not made by softphones"],
        ),
    ],
    ids=["5 lost and 5 doubled", "5 lost and 5 foreign", "5 answers lost", "foreign refusals and cuts"],
)
def test_lost_doubled_and_foreign_requests_are_told_apart(
    attempts: list[tuple[int, Outcome, int | None]],
    edge_steps: dict[str, Any],
    doubled: int,
    foreign: dict[str, int],
    row_has: dict[str, int],
    problems: list[str],
) -> None:
    balanced = balance(softphones(*attempts), edge_steps, doubled={"offer": doubled}, foreign={"offer": foreign})
    found = row("offer", balanced)
    assert {name: found[name] for name in row_has} == row_has
    assert balanced["problems"] == problems


def test_a_request_that_was_sent_again_may_arrive_twice() -> None:
    counts = {**softphones((5, OK, None)), "connections_reopened": 1}
    assert balance(counts, edge(admitted=6), doubled={"offer": 1})["balanced"]
