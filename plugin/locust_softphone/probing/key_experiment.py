"""Whether two keys share a limit: use it up with one, and ask with the other.

the second key is refused     they share the limit
the second key is admitted    each has its own
"""

from __future__ import annotations

from statistics import median

from locust_softphone.probing import paces
from locust_softphone.probing.finding import Finding
from locust_softphone.probing.models import plan_size
from locust_softphone.probing.plans import burst_spacing_s
from locust_softphone.probing.probe_target import ProbeTarget

__all__ = ["shares_limit"]

ASKED = 4
TIMES = 2


def shares_limit(target: ProbeTarget, other: ProbeTarget, finding: Finding) -> bool | None:
    """Whether requests through ``other`` count against the same limit; None if the answers do not show it.

    Args:
        target: what was probed.
        other: the same step, with another token, user or address.
        finding: the result of the probe.
    """
    if finding.best is None:
        return None
    quota, window_s = plan_size(finding.best)
    round_trip_s = median(each.took_s for each in finding.observations)
    votes = []
    for _ in range(TIMES):
        target.close(10**6)
        other.close(10**6)
        target.wait(1.3 * window_s)
        burst = [0.0] * round(1.1 * quota + 3)
        own = target.send(paces.at(burst, burst_spacing_s(burst, round_trip_s, window_s)))
        if all(each.admitted for each in own):
            return None
        asked = other.send(paces.at([0.0] * ASKED))
        votes.append(sum(each.admitted for each in asked))
    if all(votes_for == ASKED for votes_for in votes):
        return False
    return True if max(votes) <= ASKED / 2 else None
