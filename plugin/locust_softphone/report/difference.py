"""What could explain a difference between two runs: their conditions, part by part, and which of these differ.

    conditions(record)  {"ramp": {"ramp": "60s"}, "calls": {"count": "1"}, "retry": {"max_retries": "0"}, "policy": {…}, …}

A field that has no effect in a run is no condition of it: the back-off of a softphone that never tries again, the seed
of uniform arrivals. Two runs that differ in one part can be told apart by that part and by nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["SURROUNDINGS", "Conditions", "Difference", "conditions", "differences"]

Conditions = Mapping[str, Mapping[str, str]]
"""The value of each field, by part."""

SURROUNDINGS = ("target", "policy", "versions", "workers")
"""The parts that are not the profile's."""

_NO_CONDITION = ("name", "about", "expect", "softphone")


@dataclass(frozen=True)
class Difference:
    """One part that is not the same in two runs.

    Args:
        part: its name; that of the field where only one field differs.
        before: the field's value in the one run, or all that differs with names.
        after: the same of the other run.
        fields: how many fields differ.
    """

    part: str
    before: str
    after: str
    fields: int = 1


def conditions(record: Mapping[str, Any]) -> Conditions:
    """Everything that a run's figures may depend on, as far as its record knows."""
    profile, target = record["profile"], record["target"]
    parts: dict[str, dict[str, str]] = {
        key: {key: _text(value)} for key, value in profile.items() if key not in _NO_CONDITION
    }
    for key, value in profile["softphone"].items():
        if key != "like":
            fields = value if isinstance(value, Mapping) else {key: value}
            parts[key] = {field: _text(inner) for field, inner in fields.items()}
    parts["target"] = {"target": "simulated" if target["simulated"] else _text(target["url"])}
    parts["policy"] = {key: _text(value) for key, value in (target["policy"] or {}).items()}
    parts["versions"] = {name: _text(version) for name, version in record["versions"].items()}
    parts["workers"] = {"workers": _text(record["workers"])}
    _drop_what_has_no_effect(parts)
    return parts


def differences(before: Conditions, after: Conditions) -> list[Difference]:
    """The parts in which two runs differ; none for two runs of one plan in the same surroundings."""
    parts = list(dict.fromkeys((*before, *after)))
    found = (_difference(part, before.get(part, {}), after.get(part, {})) for part in parts)
    return [difference for difference in found if difference is not None]


def _difference(part: str, before: Mapping[str, str], after: Mapping[str, str]) -> Difference | None:
    fields = [field for field in dict.fromkeys((*before, *after)) if before.get(field) != after.get(field)]
    if not fields:
        return None
    if len(fields) == 1 and fields[0] in before and fields[0] in after:
        return Difference(fields[0], before[fields[0]], after[fields[0]])
    return Difference(part, _listed(before, fields), _listed(after, fields), len(fields))


def _listed(values: Mapping[str, str], fields: list[str]) -> str:
    return ", ".join(f"{field} {values[field]}" for field in fields if field in values) or "none"


def _drop_what_has_no_effect(parts: dict[str, dict[str, str]]) -> None:
    """Leave out each field that another one makes meaningless."""
    seed = parts.pop("seed", {})
    if parts.get("ramp") == {"ramp": "0s"}:
        parts["arrivals"] = {"arrivals": "uniform"}  # all at the same instant, either way
    elif parts.get("arrivals") == {"arrivals": "poisson"}:
        parts["arrivals"] |= seed
    connection, calls, retry = parts.pop("connection", {}), parts.get("calls", {}), parts.get("retry", {})
    if calls.get("count") == "1":
        calls.pop("every", None)
    else:
        calls |= connection
    for field in _idle(retry):
        retry.pop(field, None)


def _idle(retry: Mapping[str, str]) -> set[str]:
    """The fields of a ``retry:`` that change nothing, given the others."""
    tries_again = retry.get("max_retries") != "0"
    obeys_wait = tries_again and retry.get("retry_after") != "ignore"
    obeys_reset = retry.get("remaining") != "ignore"
    idle: set[str] = set()
    if not tries_again:
        idle |= {"initial", "multiplier", "max_wait", "jitter", "retry_after"}
    if retry.get("initial") == "0s":
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
