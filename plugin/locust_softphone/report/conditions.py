"""The conditions of a run: everything that its metrics may depend on, and what differs between two runs.

    conditions(record).parts    {"ramp": {"ramp": "60s"}, "retry": {"max_retries": "0", "initial": "1s", …}, …}
    conditions(record).unused   {("retry", "initial"), …}

A setting is unused in a run where it has no effect: the back-off of a softphone that never retries, the seed of uniform
arrivals. A setting that is unused in both runs is not a difference between them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locust_softphone.runs.record import RunRecord

__all__ = ["OUTSIDE_PROFILE", "Change", "Conditions", "changes", "conditions"]

OUTSIDE_PROFILE = ("target", "policy", "versions", "workers", "simulation")
"""The parts that do not come from the profile."""

_NOT_A_CONDITION = frozenset(
    {
        "name",
        "about",
        "expect",
        "reproduces",
        "allow_cut_short",
        "softphone",
        "seed",
        "edge",
    }  # edge: part of the policy
)

Setting = tuple[str, str]


@dataclass(frozen=True)
class Conditions:
    """Everything that a run's metrics may depend on, as far as its record says.

    Args:
        parts: the value of each setting, by part.
        unused: the part and name of each setting that has no effect.
    """

    parts: Mapping[str, Mapping[str, str]]
    unused: frozenset[Setting]


@dataclass(frozen=True)
class Change:
    """One part of the conditions that differs between two runs.

    Args:
        part: which part.
        name: the setting that differs, or the part where several settings differ.
        before: the value in one run; several values with their names.
        after: the value in the other run.
        settings: how many settings differ.
    """

    part: str
    name: str
    before: str
    after: str
    settings: int = 1

    @property
    def full_name(self) -> str:
        """The setting's name after its part, such as ``versions locust``."""
        return self.name if self.part == self.name else f"{self.part} {self.name}"


def conditions(record: RunRecord) -> Conditions:
    """The conditions of a record's run."""
    profile, target = record.profile, record.target
    parts = {
        key: {key: _text(value)} for key, value in profile.items() if key not in _NOT_A_CONDITION and value is not None
    }
    parts["arrivals"]["seed"] = _text(profile["seed"])
    for key, value in profile["softphone"].items():
        if key != "like":
            fields = value if isinstance(value, Mapping) else {key: value}
            parts[key] = {field: _text(inner) for field, inner in fields.items() if inner is not None}
    parts["target"] = {"target": "simulated" if target.simulated else target.url}
    parts["policy"] = {key: _text(value) for key, value in (target.policy or {}).items()}
    parts["versions"] = dict(record.versions)
    parts["workers"] = {"workers": str(record.workers)}
    if record.simulation is not None:
        network = record.simulation.model_dump(exclude={"seed"})
        parts["simulation"] = {"time": "virtual"} | {name: _text(value) for name, value in network.items()}
    unused = _unused(profile)
    if not record.retries.over_budget:
        unused.add(("retry", "budget"))
    return Conditions(parts, frozenset(unused))


def changes(before: Conditions, after: Conditions) -> list[Change]:
    """The parts in which two runs differ; none for two runs of one profile under the same conditions."""
    found = []
    for part in dict.fromkeys((*before.parts, *after.parts)):
        old, new = before.parts.get(part, {}), after.parts.get(part, {})
        names = [
            name
            for name in dict.fromkeys((*old, *new))
            if old.get(name) != new.get(name) and (part, name) not in before.unused & after.unused
        ]
        if len(names) == 1:
            name = names[0]
            found.append(Change(part, name, old.get(name, "nothing"), new.get(name, "nothing")))
        elif names:
            found.append(Change(part, part, _listed(old, names), _listed(new, names), len(names)))
    return found


def _listed(values: Mapping[str, str], names: list[str]) -> str:
    return ", ".join(f"{name} {values[name]}" for name in names if name in values) or "nothing"


def _unused(profile: Mapping[str, Any]) -> set[Setting]:
    """The settings of a profile that have no effect, given the others."""
    softphone = profile["softphone"]
    unused: set[Setting] = {("retry", name) for name in _unused_of_retry(softphone["retry"])}
    if profile["ramp"] == "0s":
        unused |= {("arrivals", "arrivals"), ("arrivals", "seed")}
    if profile["arrivals"] == "uniform":
        unused.add(("arrivals", "seed"))
    if softphone["calls"]["count"] == 1:
        unused |= {("calls", "every"), ("connection", "connection")}
    return unused


def _unused_of_retry(retry: Mapping[str, Any]) -> set[str]:
    retries = retry["max_retries"] > 0
    obeys_wait = retries and retry["retry_after"] != "ignore"
    obeys_reset = retry["remaining"] != "ignore"
    unused: set[str] = set()
    if not retries:
        unused |= {"initial", "multiplier", "max_wait", "jitter", "retry_after"}
    if retry["initial"] == "0s":
        unused |= {"multiplier", "max_wait", "jitter"}
    if not obeys_wait and not obeys_reset:
        unused.add("retry_after_cap")
    if not retries or not (obeys_wait or obeys_reset):
        unused.add("upgrade_headers")
    return unused


def _text(value: object) -> str:
    """A value as a profile would state it, on one line."""
    if isinstance(value, Mapping):
        plain = ("rate", "stages")
        return " ".join(_text(inner) if key in plain else f"{key} {_text(inner)}" for key, inner in value.items())
    if isinstance(value, (list, tuple)):
        return ", then ".join(map(_text, value))
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
