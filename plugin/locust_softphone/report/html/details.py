"""What the page shows of one run besides its metrics: profile, versions, target, ledger and validity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from locust_softphone.report.arms import Run
from locust_softphone.report.values import measured, seconds

__all__ = ["Details", "details_of"]

_HELD = {True: "held", False: "failed", None: "not decided"}

LEDGER_HEADINGS = ("attempts", "admitted", "refused", "cut", "never_arrived")


@dataclass(frozen=True)
class Details:
    """The details of one run.

    Args:
        about: names and values: when it ran, against what, and so on.
        reasons: why it is not valid; empty if it is.
        expectations: each one, whether it held, and what was measured.
        ledger: the name and counts of each step.
        ledger_note: whether the ledger balances.
        texts: titles and texts in YAML: the profile, the versions, the edge's policy.
    """

    about: tuple[tuple[str, str], ...]
    reasons: tuple[str, ...]
    expectations: tuple[tuple[str, str, str], ...]
    ledger: tuple[tuple[str, tuple[str, ...]], ...]
    ledger_note: str
    texts: tuple[tuple[str, str], ...]


def details_of(run: Run) -> Details:
    """The details of a run."""
    record = run.record
    rows, note = _ledger(record.get("ledger"))
    target = record["target"]
    texts = [("profile", record["profile"]), ("versions", record["versions"])]
    if target.get("policy"):
        texts.append(("policy of the simulated edge", target["policy"]))
    return Details(
        about=tuple(_about(run)),
        reasons=tuple(map(str, record["validity"]["reasons"])),
        expectations=tuple((str(each["text"]), _HELD[each["held"]], measured(each)) for each in record["expectations"]),
        ledger=rows,
        ledger_note=note,
        texts=tuple((title, _yaml(value)) for title, value in texts),
    )


def _about(run: Run) -> list[tuple[str, str]]:
    record = run.record
    times, target, closes = record.get("times") or {}, record["target"], record.get("closes") or {}
    ended = times.get("ended", "")
    return [
        ("run", str(record.get("run_id", ""))),
        ("began", str(times.get("planned_start", "-"))),
        ("ended", f"{times.get('end', '-')}{f', {ended}' if ended else ''}"),
        ("target", f"{target.get('url', '-')}{', a simulated edge' if target.get('simulated') else ''}"),
        ("workers", f"{record['workers']}" if record["workers"] else "none, a single process"),
        ("start lag", _start_lag(run)),
        ("closes by code", ", ".join(f"{code}: {n:,}" for code, n in closes.items()) or "none"),
    ]


def _start_lag(run: Run) -> str:
    points = {point: run.metrics[f"start_lag.{point}"] for point in ("p50", "p99", "max")}
    known = [f"{point} {seconds(value)}" for point, value in points.items() if value is not None]
    return ", ".join(known) or "-"


def _ledger(ledger: Mapping[str, Any] | None) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], str]:
    if not ledger:
        return (), "None: this edge publishes no counters."
    rows = tuple(
        (str(row.get("step")), tuple(str(row.get(name, "-")) for name in LEDGER_HEADINGS)) for row in ledger["rows"]
    )
    if ledger["balanced"]:
        return rows, "It balances: the edge's counters confirm every attempt."
    problems: Sequence[Any] = ledger.get("problems", ())
    return rows, f"It does not balance: {'; '.join(map(str, problems))}."


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100).rstrip()
