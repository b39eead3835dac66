"""What could explain a difference between two runs: their conditions, part by part, and which of these differ.

    conditions(record).parts   {"ramp": {"ramp": "60s"}, "retry": {"max_retries": "0", "initial": "1s", …}, …}
    conditions(record).idle    {("retry", "initial"), …}

A field is idle in a run where it has no effect: the back-off of a softphone that never tries again, the seed of uniform
arrivals. What is idle in both runs is no difference between them, whatever the profiles say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["SURROUNDINGS", "Conditions", "Difference", "conditions", "differences"]

SURROUNDINGS = ("target", "policy", "versions", "workers")
"""The parts that are not the profile's."""

_NO_CONDITION = ("name", "about", "expect", "softphone", "seed", "edge")  # what the edge made of it is in the policy

Field = tuple[str, str]


@dataclass(frozen=True)
class Conditions:
    """Everything that a run's figures may depend on, as far as its record knows.

    Args:
        parts: the value of each field, by part.
        idle: the part and field of each that has no effect.
    """

    parts: Mapping[str, Mapping[str, str]]
    idle: frozenset[Field]


@dataclass(frozen=True)
class Difference:
    """One part that is not the same in two runs.

    Args:
        part: which.
        name: what differs in it: the field, or the part where several fields do.
        before: the value in the one run; several with their names.
        after: the same of the other run.
        fields: how many fields differ.
    """

    part: str
    name: str
    before: str
    after: str
    fields: int = 1


def conditions(record: Mapping[str, Any]) -> Conditions:
    """The conditions of the run that ``record`` is of."""
    profile, target = record["profile"], record["target"]
    parts = {key: {key: _text(value)} for key, value in profile.items() if key not in _NO_CONDITION}
    parts["arrivals"]["seed"] = _text(profile["seed"])
    for key, value in profile["softphone"].items():
        if key != "like":
            fields = value if isinstance(value, Mapping) else {key: value}
            parts[key] = {field: _text(inner) for field, inner in fields.items()}
    parts["target"] = {"target": "simulated" if target["simulated"] else _text(target["url"])}
    parts["policy"] = {key: _text(value) for key, value in (target["policy"] or {}).items()}
    parts["versions"] = {name: _text(version) for name, version in record["versions"].items()}
    parts["workers"] = {"workers": _text(record["workers"])}
    idle = _idle(profile)
    if not record["retries"].get("over_budget"):
        idle.add(("retry", "budget"))
    return Conditions(parts, frozenset(idle))


def differences(before: Conditions, after: Conditions) -> list[Difference]:
    """The parts in which two runs differ; none for two runs of one plan in the same surroundings."""
    found = []
    for part in dict.fromkeys((*before.parts, *after.parts)):
        one, other = before.parts.get(part, {}), after.parts.get(part, {})
        fields = [
            field
            for field in dict.fromkeys((*one, *other))
            if one.get(field) != other.get(field) and (part, field) not in before.idle & after.idle
        ]
        if len(fields) == 1:
            field = fields[0]
            found.append(Difference(part, field, one.get(field, "nothing"), other.get(field, "nothing")))
        elif fields:
            found.append(Difference(part, part, _listed(one, fields), _listed(other, fields), len(fields)))
    return found


def _listed(values: Mapping[str, str], fields: list[str]) -> str:
    return ", ".join(f"{field} {values[field]}" for field in fields if field in values) or "nothing"


def _idle(profile: Mapping[str, Any]) -> set[Field]:
    """The fields of a profile that change nothing, given the others."""
    softphone = profile["softphone"]
    idle: set[Field] = {("retry", field) for field in _idle_of_retry(softphone["retry"])}
    if profile["ramp"] == "0s":
        idle |= {("arrivals", "arrivals"), ("arrivals", "seed")}
    if profile["arrivals"] == "uniform":
        idle.add(("arrivals", "seed"))
    if softphone["calls"]["count"] == 1:
        idle |= {("calls", "every"), ("connection", "connection")}
    return idle


def _idle_of_retry(retry: Mapping[str, Any]) -> set[str]:
    tries_again = retry["max_retries"] > 0
    obeys_wait = tries_again and retry["retry_after"] != "ignore"
    obeys_reset = retry["remaining"] != "ignore"
    idle: set[str] = set()
    if not tries_again:
        idle |= {"initial", "multiplier", "max_wait", "jitter", "retry_after"}
    if retry["initial"] == "0s":
        idle |= {"multiplier", "max_wait", "jitter"}
    if not obeys_wait and not obeys_reset:
        idle.add("retry_after_cap")
    if not tries_again or not (obeys_wait or obeys_reset):
        idle.add("upgrade_headers")
    return idle


def _text(value: object) -> str:
    """A value as a profile has it, on one line."""
    if isinstance(value, Mapping):
        plain = ("rate", "stages")
        return " ".join(_text(inner) if key in plain else f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", then ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
