"""Fits a cap of open sessions, from how many were open when a request was admitted or refused.

    admitted while n were surely open      ►  n + 1 ≤ cap
    refused while n were possibly open     ►  cap ≤ n

The client knows how many are open when it sends: those admitted by then, less those that have ended. Requests under
way may have been admitted already. A session that has just ended may still count at the limit, and one that is about to
end may not: the limit sees the end of a session while its closing is under way.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from math import inf

from locust_softphone.limits.inference.observations import Arrival, Evidence, most_foreign
from locust_softphone.limits.inference.search import Bounds, Conflict, Fits, QuotaRange, Region

__all__ = ["fit_cap"]


def fit_cap(evidence: Evidence, foreign_share: float = 0.0) -> Fits:
    """The cap of open sessions."""
    fit = _CapFit(evidence)
    least, admission = max(((fit.surely_open(each) + 1, each) for each in evidence.admissions), default=(1, None))
    most, refusal = min(((fit.possibly_open(each), each) for each in evidence.refusals), default=(inf, None))
    if most < inf and foreign_share:
        most += most_foreign(foreign_share, most / (1 - foreign_share))
    admitted_within = (admission.earliest_s, admission.latest_s) if admission else (inf, inf)
    found = QuotaRange(max(1, least), most, admitted_within, refusal)
    if not found.holds:
        return Conflict(found)
    cap = Bounds(found.low, found.high)
    return [Region((cap,), [(cap.low if cap.high == inf else (cap.low + cap.high) / 2,)])]


class _CapFit:
    def __init__(self, evidence: Evidence) -> None:
        self._curve = evidence.admitted
        self._jitter_s = evidence.jitter_s
        answered = sorted(each.answered_s for each in evidence.all if each.admitted)
        ended = (bisect_right(answered, each.earliest_s) - each.open for each in evidence.all)
        self._known_at = [each.earliest_s for each in evidence.all]
        self._ended = list(accumulate(ended, max))

    def surely_open(self, request: Arrival) -> int:
        """The least number of open sessions when this request arrived, without itself."""
        next_known = bisect_left(self._known_at, request.answered_s)
        if next_known == len(self._ended):
            if self._ended[-1]:
                return 0  # no later request shows how many had ended by then
            next_known -= 1
        return bisect_right(self._curve.latest, request.earliest_s) - self._ended[next_known]

    def possibly_open(self, request: Arrival) -> int:
        """The greatest number of open sessions when this request arrived."""
        last_known = bisect_right(self._known_at, request.earliest_s - self._jitter_s) - 1
        ended = self._ended[last_known] if last_known >= 0 else 0
        return bisect_right(self._curve.earliest, request.latest_s) - ended
