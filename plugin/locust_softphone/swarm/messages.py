"""What master and workers tell each other, over Locust's own messages (plain dictionaries, for msgpack).

    master ── plan ──► worker    the profile as resolved, the edge, and which share of the plan is this worker's
    master ── begin ─► worker    the plan starts in so many seconds from now
    worker ── over ──► master    all my softphones are done
    master ── stop ──► worker    everybody hangs up
    worker ── done ──► master    everybody has, and here is the rest of what was measured

What is measured travels with Locust's own reports meanwhile, as the difference since the last one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["BEGIN", "DONE", "OVER", "PLAN", "REPORT_KEY", "STOP", "Plan"]

PLAN = "softphone_plan"
BEGIN = "softphone_begin"
OVER = "softphone_over"
STOP = "softphone_stop"
DONE = "softphone_done"

REPORT_KEY = "softphone"
"""Under which a worker's tally rides in Locust's report to the master."""


@dataclass(frozen=True)
class Plan:
    """A worker's part of a run.

    Args:
        profile: the profile as resolved; a worker needs no file.
        url: the edge.
        offset: the worker's first place in the plan.
        stride: over how many workers the plan is spread.
        version: of this package on the master.
    """

    profile: dict[str, Any]
    url: str
    offset: int
    stride: int
    version: str

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)
