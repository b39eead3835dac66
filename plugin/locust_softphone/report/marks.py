"""Which arms are the best and the worst in a metric: only where the difference is larger than the noise.

    best     significantly better than another arm, and no arm is significantly better
    worst    significantly worse than another arm, and no arm is significantly worse

What is significant is decided in ``statistics``; single runs are never marked. Only arms with the same number of
softphones are compared, and by attempts and set-up times only those that had every softphone answered: a value that is
low because most softphones gave up is not good. A mark that most arms would share is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from locust_softphone.report.arms import Arm
from locust_softphone.report.differences import ArmDifference

__all__ = ["BEST", "WORST", "marks_of"]

BEST, WORST = "best", "worst"

_IF_ALL_ANSWERED = ("amplification", "call_setup.p50", "call_setup.p95", "call_setup.p99")


def marks_of(metric: str, arms: Sequence[Arm], differences: Sequence[ArmDifference]) -> dict[Arm, str]:
    """The mark of each arm that has one.

    Args:
        metric: one of ``COMPARED_METRICS``; of ``answered`` more is better, of all others less.
        arms: all arms.
        differences: between each two of them.
    """
    compared = [arm for arm in arms if metric not in _IF_ALL_ANSWERED or arm.all_answered]
    better: list[tuple[Arm, Arm]] = []
    for each in differences:
        moved = each.metrics[metric]
        comparable = each.before in compared and each.after in compared and each.before.planned == each.after.planned
        if comparable and moved is not None and each.is_significant(metric):
            is_better = (moved.value > 0) == (metric == "answered")
            better.append((each.after, each.before) if is_better else (each.before, each.after))
    winners, losers = {arm for arm, _ in better}, {arm for _, arm in better}
    marks: dict[Arm, str] = {}
    for marked, mark in ((losers - winners, WORST), (winners - losers, BEST)):
        if len(marked) <= len(arms) / 2:
            marks |= dict.fromkeys(marked, mark)
    return marks
