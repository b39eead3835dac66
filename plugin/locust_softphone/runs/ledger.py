"""The ledger: the softphones' attempts balanced against the edge's own counters.

For each step that is a request, and each answer a (admitted, or refused with a status):

    edge[a] - client[a] >= 0                        every answer that a softphone read was given by the edge
    unread = cut + sum of these differences         requests that reached the edge, but whose answer was not read
    never arrived = unanswered - unread >= unsent   all other attempts; at least those that are known not to be sent

The edge counts an answer when it decides on it; a request whose connection it cut counts as ``cut``. Anything else (an
answer that the edge never gave, a request that no softphone sent) is a problem, and the run is not valid. An attempt
that was sent again, because the edge had closed the connection, may have reached the edge twice.

Each attempt has an id, and the edge counts ids that it has seen before (``doubled``) and requests without one
(``foreign``). Doubled ones are taken from ``unread`` and foreign ones from the edge's counters, so that neither hides
attempts that were lost on the way. Both are problems, except for as many doubled ones as were sent again.

The edge puts its id on each of its answers. One without an id is of something in between, such as a proxy with a limit
of its own: its request counts as unanswered.

The end of each session that the edge counts must be known too, unless the answer to its handshake was not read:

    sessions <= closes of open WebSockets + own cuts + cut off + dropped in a stall + handshakes without an answer
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import DEFAULT_DIALECT, request_steps
from locust_softphone.metrics.tally import parts_of

__all__ = ["balance", "since"]

ADMITTED = "admitted"
_OWN_ENDS = ("own_cuts", "cut_off", "dropped_in_stall")
_NONE: Mapping[str, Any] = MappingProxyType({})
_NO_COUNTERS = {"server", "version", "policy", "open", "peak"}


def since(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """By how much the edge's counters grew between two readings of ``GET /stats``; other values are left out."""
    gained: dict[str, Any] = {}
    for name in after.keys() - _NO_COUNTERS:
        value, earlier = after[name], before.get(name)
        if isinstance(value, Mapping):
            gained[name] = since(earlier if isinstance(earlier, Mapping) else {}, value)
        elif isinstance(value, int):
            gained[name] = value - (earlier if isinstance(earlier, int) else 0)
    return gained


def balance(
    counts: Mapping[str, int],
    edge_steps: Mapping[str, Any],
    dialect: str = DEFAULT_DIALECT,
    *,
    sessions: int | None = None,
    doubled: Mapping[str, int] = _NONE,
    foreign: Mapping[str, Mapping[str, int]] = _NONE,
) -> dict[str, Any]:
    """Balance the softphones' counters against the edge's.

    Args:
        counts: the merged tally's counters (``attempts.token``, ``status.offer.429``, ``outcomes.offer.reset`` …).
        edge_steps: ``steps`` of the edge's ``/stats``, for this run alone.
        dialect: the dialect that the steps are of.
        sessions: the number of sessions that the edge has counted; None if they are not to be checked.
        doubled: how many requests of each step had the id of an attempt that had come before.
        foreign: the requests of each step without an attempt's id, by what the edge decided.

    Returns:
        ``balanced``, a row for each step, and a sentence for each problem.
    """
    rows, problems = [], []
    for step in request_steps(dialect):
        row, found = _balance_step(
            step, counts, edge_steps.get(step, {}), doubled.get(step, 0), foreign.get(step, _NONE)
        )
        rows.append(row)
        problems += found
    if sessions is not None and sessions > (accounted_for := _sessions(counts)):
        problems.append(f"sessions: the edge counted {sessions}, softphones can account for {accounted_for}")
    return {"balanced": not problems, "rows": rows, "problems": problems}


def _balance_step(
    step: str, counts: Mapping[str, int], edge: Mapping[str, Any], doubled: int, foreign: Mapping[str, int]
) -> tuple[dict[str, Any], list[str]]:
    attempts = counts.get(f"attempts.{step}", 0)
    client = _answers(step, counts)
    unanswered = attempts - sum(client.values())
    unsent = sum(counts.get(f"outcomes.{step}.{outcome.value}", 0) for outcome in Outcome if outcome.never_arrived)
    counted = {ADMITTED: edge.get("admitted", 0), **{str(k): v for k, v in edge.get("refused", {}).items()}}
    counted = {answer: n - foreign.get(answer, 0) for answer, n in counted.items()}
    cut = edge.get("cut", 0) - foreign.get("cut", 0)

    problems = []
    if foreign_requests := sum(foreign.values()):
        problems.append(f"{step}: {foreign_requests} requests at the edge were not made by softphones")
    if doubled > counts.get("connections_reopened", 0):
        problems.append(f"{step}: {doubled} requests reached the edge twice")
    unread = cut - doubled
    for answer in sorted(client.keys() | counted.keys()):
        difference = counted.get(answer, 0) - client.get(answer, 0)
        unread += difference
        if difference < 0:
            said = f"softphones saw {client[answer]} {_words(answer)}"
            problems.append(f"{step}: {said}, the edge counted {counted.get(answer, 0)}")
    never_arrived = unanswered - unread
    if never_arrived < unsent - counts.get("connections_reopened", 0):
        problems.append(
            f"{step}: the edge counted {edge.get('requests', 0)} requests, softphones sent {attempts - unsent}"
        )
    row = {
        "step": step,
        "attempts": attempts,
        "admitted": counted[ADMITTED],
        "refused": sum(n for answer, n in counted.items() if answer != ADMITTED),
        "cut": cut,
        "never_arrived": never_arrived,
        "doubled": doubled,
        "foreign": foreign_requests,
        "not_the_edges": parts_of(counts, f"foreign_status.{step}"),
    }
    return row, problems


def _answers(step: str, counts: Mapping[str, int]) -> dict[str, int]:
    """The softphones' answered attempts of a step, by answer as the edge counts them."""
    answers = parts_of(counts, f"status.{step}")
    ok = counts.get(f"outcomes.{step}.{Outcome.OK.value}", 0)
    invalid_answers = sum(n for status, n in answers.items() if int(status) < 300)
    refused = {status: n for status, n in answers.items() if int(status) >= 300}
    return {ADMITTED: ok + invalid_answers, **refused}


def _sessions(counts: Mapping[str, int]) -> int:
    """The most sessions that the softphones' counters can account for: those whose end they know, or whose 101 is
    unread.
    """
    attempts, outcomes = counts.get("attempts.handshake", 0), parts_of(counts, "outcomes.handshake")
    failed = attempts - outcomes.get(Outcome.OK, 0) - outcomes.get(Outcome.CANCELLED, 0)  # each is counted as a close
    ended = sum(parts_of(counts, "closes").values()) - failed + sum(counts.get(each, 0) for each in _OWN_ENDS)
    refused = sum(n for answer, n in _answers("handshake", counts).items() if answer != ADMITTED)
    return ended + attempts - outcomes.get(Outcome.OK, 0) - refused


def _words(answer: str) -> str:
    return "admissions" if answer == ADMITTED else f"refusals with HTTP {answer}"
