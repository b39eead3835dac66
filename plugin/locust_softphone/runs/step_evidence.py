"""What a run's attempts of one step say about one limit.

    ok                          admitted
    HTTP 429, 503, 504 or 408   refused by a limit, one for each status
    another HTTP status         refused for another reason, such as 409: before the limit, or after it was admitted
    anything else that may      unclear: it may have used up part of the limit, as the traffic of another client would
    have arrived
    never arrived               left out

Several limits, and other reasons to refuse, can stand in a row. A request that was refused elsewhere in the same step
either had passed this limit, or never came to it; both are tried.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate

from locust_softphone.limits.inference.observations import Observation
from locust_softphone.metrics.observed_attempts import SESSIONS, Observations, Observed
from locust_softphone.metrics.outcome import Outcome
from locust_softphone.metrics.retry_after_sample import EARLY_TOLERANCE_S

__all__ = ["STATUSES", "RetryAfterEffect", "StepEvidence", "evidence_of", "noise_s", "refusing_answers", "usual_s"]

STATUSES = ("429", "503", "504", "408")
"""The HTTP statuses of refusals by a limit."""

WAITS = ("ready",)
"""Steps that are not answered by a round trip: the edge lets the softphone wait."""

FEWEST_FOR_NOISE = 20


@dataclass(frozen=True)
class RetryAfterEffect:
    """How refusals advised to retry, and what came of it.

    Args:
        refusals: how many refusals had a ``Retry-After``.
        least_s: the shortest.
        most_s: the longest.
        heeded: how many softphones came back when told or later.
        heeded_refused: how many of those were refused again.
        early: how many came back earlier.
        early_admitted: how many of those were admitted.
    """

    refusals: int
    least_s: float
    most_s: float
    heeded: int
    heeded_refused: int
    early: int
    early_admitted: int


@dataclass(frozen=True)
class StepEvidence:
    """The attempts of one step, as far as they are known completely.

    Args:
        step: its name.
        attempts: those that may have arrived, by instant.
        open_before: for each, how many softphones the step had admitted that were still connected.
    """

    step: str
    attempts: Sequence[Observed]
    open_before: Sequence[int]

    @cached_property
    def answers(self) -> Counter[str]:
        """How many attempts met each answer."""
        return Counter(each.answer for each in self.attempts)

    @property
    def refusals(self) -> Counter[str]:
        """How many attempts were refused by a limit, by HTTP status."""
        return self._by_status(lambda answer: _status(answer) in STATUSES)

    @property
    def refused_otherwise(self) -> Counter[str]:
        """How many attempts were refused for another reason than a limit, by HTTP status."""
        return self._by_status(lambda answer: _decision(answer) is None and _status(answer) != "")

    def _by_status(self, wanted: Callable[[str], bool]) -> Counter[str]:
        found = Counter[str]()
        for answer, times in self.answers.items():
            if wanted(answer):
                found[_status(answer)] += times
        return found

    def observations(self, status: str, *, passed_by: Iterable[str] = ()) -> list[Observation]:
        """The observations of the limit that refuses with this status.

        Args:
            status: the HTTP status.
            passed_by: other statuses; a request refused with one of them has passed this limit.
        """
        passing = set(passed_by)
        return [
            Observation(each.began_s, each.ended_s, admitted, open_before, str(each.softphone))
            for each, open_before in zip(self.attempts, self.open_before, strict=True)
            if (admitted := _decision(each.answer) == "" or _status(each.answer) in passing)
            or _decision(each.answer) == status
        ]

    @property
    def unclear(self) -> int:
        """How many attempts may have used up part of a limit, without a known decision."""
        return sum(times for answer, times in self.answers.items() if _decision(answer) is None)

    def retry_after_effect(self, status: str) -> RetryAfterEffect | None:
        """What the refusals with this status advised, and what came of it; None if they advised nothing."""
        waits_s: list[float] = []
        deadlines_s: dict[int, float] = {}
        heeded, early = Counter[bool](), Counter[bool]()
        for each in self.attempts:
            decision = _decision(each.answer)
            deadline_s = deadlines_s.pop(each.softphone, None)
            if deadline_s is not None and decision in ("", status):
                (heeded if each.began_s >= deadline_s - EARLY_TOLERANCE_S else early)[decision == ""] += 1
            if decision == status and each.retry_after_s is not None:
                waits_s.append(each.retry_after_s)
                deadlines_s[each.softphone] = each.ended_s + each.retry_after_s
        if not waits_s:
            return None
        return RetryAfterEffect(
            len(waits_s), min(waits_s), max(waits_s), heeded.total(), heeded[False], early.total(), early[True]
        )


def evidence_of(step: str, observed: Mapping[str, Observations]) -> StepEvidence:
    """The evidence of one step of a run."""
    attempts = [each for each in observed[step].exact() if not _never_arrived(each.answer)]
    connected = sorted(
        [
            *((each.ended_s, True, each.softphone) for each in attempts if _decision(each.answer) == ""),
            *((each.ended_s, False, each.softphone) for each in _sessions(observed)),
        ]
    )
    softphones: set[int] = set()
    changes = []
    for _, admitted, softphone in connected:
        before = len(softphones)
        (softphones.add if admitted else softphones.discard)(softphone)
        changes.append(len(softphones) - before)
    instants, numbers = [each[0] for each in connected], list(accumulate(changes, initial=0))
    return StepEvidence(step, attempts, [numbers[bisect_right(instants, each.began_s)] for each in attempts])


def refusing_answers(observations: Observations) -> list[str]:
    """The answers by which a limit refused attempts of a step."""
    return [each for each in observations.answers if _status(each) in STATUSES]


def usual_s(observed: Mapping[str, Observations]) -> dict[str, float]:
    """How long nearly all attempts took, by step, where there are enough of them and they were answered at once."""
    return {
        name: _high(observations.durations_s())
        for name, observations in observed.items()
        if name not in (SESSIONS, *WAITS) and len(observations) >= FEWEST_FOR_NOISE
    }


def noise_s(step: str, observations: Observations, usual: Mapping[str, float], late_s: float) -> float:
    """How long an answer may take although no limit delays it.

    Args:
        step: the step in question.
        observations: its attempts.
        usual: how long nearly all attempts of each step took, as ``usual_s`` says.
        late_s: by how much the generator was late.

    Refusals do not wait in a queue, and neither do all the other steps.
    """
    own_s = _high(observations.durations_s(refusing_answers(observations)))
    others_s = min((each for name, each in usual.items() if name != step), default=0.0)
    return max(late_s, own_s, others_s)


def _high(durations_s: Sequence[float]) -> float:
    """The 99th percentile of sorted durations."""
    return durations_s[len(durations_s) * 99 // 100] if durations_s else 0.0


def _sessions(observed: Mapping[str, Observations]) -> Iterable[Observed]:
    return observed[SESSIONS].exact() if SESSIONS in observed else ()


@lru_cache(maxsize=1024)
def _status(answer: str) -> str:
    """The HTTP status in ``rate_limited 429``; empty where there is none."""
    return next((part for part in answer.split()[1:2] if len(part) == 3), "")


@lru_cache(maxsize=1024)
def _decision(answer: str) -> str | None:
    """The status of the limit that refused it, empty for an admission, None if that is unclear."""
    if answer == Outcome.OK:
        return ""
    status = _status(answer)
    return status if status in STATUSES else None


@lru_cache(maxsize=1024)
def _never_arrived(answer: str) -> bool:
    return Outcome(answer.split()[0]).never_arrived
