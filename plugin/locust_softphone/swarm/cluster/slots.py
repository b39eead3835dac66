"""Which worker serves which slot of the plan. Pure: no clock, no messages.

worker i of W starts      it serves the slots i, i + W, i + 2W, …
a worker is lost          the others take over its remaining slots in turn
a worker joins late       it takes over every n-th remaining slot from the others
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from locust_softphone.config.schedule import Schedule

__all__ = ["SlotOwners"]


class SlotOwners:
    """The owner of each slot.

    Args:
        schedule: the plan.
        workers: the workers at the start of the run, at least one.
    """

    def __init__(self, schedule: Schedule, workers: Sequence[str]) -> None:
        self._schedule = schedule
        self._owners = [workers[slot % len(workers)] for slot in range(schedule.users)]

    def of(self, worker: str, after_s: float = float("-inf")) -> list[int]:
        """The worker's slots that are due later than ``after_s`` seconds after the plan's start."""
        return [slot for slot in self._due(after_s) if self._owners[slot] == worker]

    def part_for_newcomer(self, workers: int, after_s: float) -> Mapping[str, list[int]]:
        """The slots that one more worker takes over, by their present owner.

        Args:
            workers: how many workers there are, with the new one.
            after_s: only slots that are due later than this are moved.
        """
        part: defaultdict[str, list[int]] = defaultdict(list)
        for slot in self._due(after_s)[workers - 1 :: workers]:
            part[self._owners[slot]].append(slot)
        return part

    def move(self, slots: Sequence[int], workers: Sequence[str]) -> Mapping[str, list[int]]:
        """Give the slots to these workers in turn; returns what each of them got."""
        parts = {worker: list(slots[index :: len(workers)]) for index, worker in enumerate(workers)}
        for worker, part in parts.items():
            for slot in part:
                self._owners[slot] = worker
        return {worker: part for worker, part in parts.items() if part}

    def _due(self, after_s: float) -> range:
        return range(self._schedule.started_by(after_s), self._schedule.users)
