"""Whether one limit counts for several keys (tokens, users, addresses), or each key has its own.

Keys that share a limit are foreign traffic to each other, so no limit explains one of them alone. Where each has its
own, they are admitted more than one limit would admit.
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
    """Diagnoses of all observations as one limit's, and of each key's as an own limit's."""

    together: Diagnosis
    each: Mapping[str, Diagnosis]

    @property
    def per_key(self) -> bool | None:
        """Whether each key has its own limit; None if that cannot be told."""
        one_limit = _alike([self.together])
        own_limits = _alike([diagnosis for diagnosis in self.each.values() if diagnosis.refused])
        return own_limits if len(self.each) > 1 and one_limit != own_limits else None


def diagnose_keys(observations: Iterable[Observation], foreign_share: float = 0.0) -> KeyDiagnosis:
    """Diagnose all keys together, and on their own those of which most is known: eight at most."""
    every = list(observations)
    keys: dict[str, list[Observation]] = {}
    for each in every:
        keys.setdefault(each.key, []).append(each)
    busiest = sorted(keys, key=lambda key: len(keys[key]), reverse=True)[:MOST_KEYS]
    return KeyDiagnosis(diagnose(every, foreign_share), {key: diagnose(keys[key], foreign_share) for key in busiest})


def _alike(diagnoses: Iterable[Diagnosis]) -> bool:
    """Whether one simple kind, with the same parameters, explains them all without foreign traffic."""
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
    """The bounds that both have in common; empty if there are none."""
    both = {name: Bounds(max(one[name].low, other[name].low), min(one[name].high, other[name].high)) for name in one}
    return both if all(bounds.low <= bounds.high for bounds in both.values()) else {}
