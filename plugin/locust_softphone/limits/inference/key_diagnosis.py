"""Finds out whether several keys (tokens, users, addresses) share one limit, or each key has its own.

If keys share a limit, they are foreign traffic to each other, and no limit explains one of them alone. If each has its
own, together they are admitted more often than one limit would allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from locust_softphone.limits.inference.diagnosis import Diagnosis, diagnose
from locust_softphone.limits.inference.kinds import SIMPLE
from locust_softphone.limits.inference.observations import Observation
from locust_softphone.limits.inference.search import Bounds

__all__ = ["KeyDiagnosis", "diagnose_keys"]

MOST_KEYS = 8


@dataclass(frozen=True)
class KeyDiagnosis:
    """The diagnosis of all observations as one limit, and of each key as a limit of its own."""

    together: Diagnosis
    each: Mapping[str, Diagnosis]

    @property
    def per_key(self) -> bool | None:
        """Whether each key has its own limit; None if the observations do not show it."""
        one_limit = _alike([self.together])
        own_limits = _alike([diagnosis for diagnosis in self.each.values() if diagnosis.refused])
        return own_limits if len(self.each) > 1 and one_limit != own_limits else None


def diagnose_keys(observations: Iterable[Observation], foreign_share: float = 0.0) -> KeyDiagnosis:
    """Diagnose all keys together, and each of the eight busiest alone."""
    every = list(observations)
    keys: dict[str, list[Observation]] = {}
    for each in every:
        keys.setdefault(each.key, []).append(each)
    busiest = sorted(keys, key=lambda key: len(keys[key]), reverse=True)[:MOST_KEYS]
    return KeyDiagnosis(diagnose(every, foreign_share), {key: diagnose(keys[key], foreign_share) for key in busiest})


def _alike(diagnoses: Iterable[Diagnosis]) -> bool:
    """Whether one simple kind with the same parameters explains all of them without foreign traffic."""
    explaining = [[each for each in found.hypotheses if not each.foreign_share] for found in diagnoses]
    for method in SIMPLE:
        common: list[Mapping[str, Bounds]] | None = None
        for found in explaining:
            own = [each.bounds for each in found if each.kind is method.kind]
            common = (
                own if common is None else [both for one in common for other in own if (both := _overlap(one, other))]
            )
        if common:
            return True
    return False


def _overlap(one: Mapping[str, Bounds], other: Mapping[str, Bounds]) -> dict[str, Bounds]:
    """The intersection of the bounds; empty if there is none."""
    both = {name: Bounds(max(one[name].low, other[name].low), min(one[name].high, other[name].high)) for name in one}
    return both if all(bounds.low <= bounds.high for bounds in both.values()) else {}
