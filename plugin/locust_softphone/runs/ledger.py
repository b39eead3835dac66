"""The ledger: does the edge confirm, attempt for attempt, what the softphones say they did?

For each step that is a request, under each heading h (admitted, or refused with a status):

    edge[h] - client[h] >= 0                        an answer that a softphone read is one that the edge gave
    beyond = cut + sum of these                     what the edge counted beyond that: sent, but no answer seen
    never arrived = unanswered - beyond >= unsent   the rest; at least what is known not to have been sent

A heading is counted at the edge when its verdict falls, so a request that the edge cut short counts there as ``cut``.
Anything else (an answer that the edge never gave, a request that appeared from nowhere) is a problem, and the run that
it belongs to is not valid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.steps import DEFAULT_DIALECT, request_steps
from locust_softphone.metrics.tally import parts_of

__all__ = ["balance", "since"]

ADMITTED = "admitted"
_NO_COUNTERS = {"server", "version", "policy", "open", "peak"}


def since(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What the edge's counters gained between two readings of ``GET /stats``; what is no counter is left out."""
    gained: dict[str, Any] = {}
    for name in after.keys() - _NO_COUNTERS:
        value, earlier = after[name], before.get(name)
        if isinstance(value, Mapping):
            gained[name] = since(earlier if isinstance(earlier, Mapping) else {}, value)
        elif isinstance(value, int):
            gained[name] = value - (earlier if isinstance(earlier, int) else 0)
    return gained


def balance(counts: Mapping[str, int], edge_steps: Mapping[str, Any], dialect: str = DEFAULT_DIALECT) -> dict[str, Any]:
    """Hold the softphones' counters against the edge's.

    Args:
        counts: the merged tally's counters (``attempts.token``, ``status.offer.429``, ``outcomes.offer.reset`` …).
        edge_steps: ``steps`` of the edge's ``/stats``, for this run alone.
        dialect: whose steps they are.

    Returns:
        ``balanced``, a row per step, and each problem in words.
    """
    rows, problems = [], []
    for step in request_steps(dialect):
        row, found = _balance_step(step, counts, edge_steps.get(step, {}))
        rows.append(row)
        problems += found
    return {"balanced": not problems, "rows": rows, "problems": problems}


def _balance_step(step: str, counts: Mapping[str, int], edge: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    attempts = counts.get(f"attempts.{step}", 0)
    client = _headings(step, counts)
    unanswered = attempts - sum(client.values())
    unsent = sum(counts.get(f"outcomes.{step}.{outcome.value}", 0) for outcome in Outcome if outcome.never_arrived)
    counted = {ADMITTED: edge.get("admitted", 0), **{str(k): v for k, v in edge.get("refused", {}).items()}}
    cut = edge.get("cut", 0)

    problems = []
    beyond = cut
    for heading in sorted(client.keys() | counted.keys()):
        difference = counted.get(heading, 0) - client.get(heading, 0)
        beyond += difference
        if difference < 0:
            said = f"softphones saw {client[heading]} {_words(heading)}"
            problems.append(f"{step}: {said}, the edge counted {counted.get(heading, 0)}")
    never_arrived = unanswered - beyond
    if never_arrived < unsent:
        problems.append(
            f"{step}: the edge counted {edge.get('requests', 0)} requests, softphones sent {attempts - unsent}"
        )
    row = {
        "step": step,
        "attempts": attempts,
        "admitted": counted[ADMITTED],
        "refused": sum(n for heading, n in counted.items() if heading != ADMITTED),
        "cut": cut,
        "never_arrived": never_arrived,
    }
    return row, problems


def _headings(step: str, counts: Mapping[str, int]) -> dict[str, int]:
    """The softphones' answered attempts of a step, under the headings that the edge uses."""
    headings = parts_of(counts, f"status.{step}")
    ok = counts.get(f"outcomes.{step}.{Outcome.OK.value}", 0)
    ill_answered = sum(n for status, n in headings.items() if int(status) < 300)
    refused = {status: n for status, n in headings.items() if int(status) >= 300}
    return {ADMITTED: ok + ill_answered, **refused}


def _words(heading: str) -> str:
    return "admissions" if heading == ADMITTED else f"refusals with HTTP {heading}"
