"""What each attempt met, one by one: the evidence for which limit explains a run.

    began_us  took_us  answer  softphone  retry_after_ms  reset_ms       one row for each attempt of a step
    ────────  ───────  ──────  ─────────  ──────────────  ────────
    12 004    3 210    0       17         -1              -1             answers[0] = "ok"
    12 310    2 950    1       18         4000            -1             answers[1] = "rate_limited 429"

The first ``MOST_EXACT`` attempts of a step are kept, all of them; of later ones a random sample. So everything before
``exact_until_s`` is complete, and the rest is for pictures only. Several processes' observations merge into those that
one process would have made: the earliest attempts of all are among the earliest of each part.

A session is a row too: it began when its WebSocket opened, and its answer is how it ended.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from base64 import b64decode, b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import compress, count, repeat
from math import inf
from typing import Any, Final, NamedTuple

from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice

__all__ = ["MOST_EXACT", "MOST_LATER", "OWN", "SESSIONS", "Observations", "Observed"]

MOST_EXACT: Final = 20_000
MOST_LATER: Final = 2_000
"""How many later attempts are kept, as a random sample."""

COLUMNS: Final = {
    "began_us": "q",
    "took_us": "q",
    "answer": "H",
    "softphone": "q",
    "retry_after_ms": "q",
    "reset_ms": "q",
}
"""The columns of a row, and their types as in ``array``: q is 8 bytes, H is 2 without sign."""

SESSIONS: Final = "session"
"""The name under which sessions are observed; steps are observed under their own names."""

OWN: Final = "own"
"""How a session ended that the softphone ended."""

_ANSWER: Final = list(COLUMNS).index("answer")
_LONGEST_S = 1e9
_MOST_ANSWERS = 1000


class Observed(NamedTuple):
    """One attempt, or one session.

    Args:
        began_s: when it began, in seconds since the plan's start.
        ended_s: when its answer was read, or when the session ended.
        answer: what came: an outcome, and a status or close code where there was one: ``ok``, ``rate_limited 429``.
        softphone: the softphone's number in the plan; -1 for a token that the master fetched.
        retry_after_s: what ``Retry-After`` said, in seconds; None where it was absent.
        reset_s: until when nothing is left, as the other headers said; None where they did not.
    """

    began_s: float
    ended_s: float
    answer: str
    softphone: int
    retry_after_s: float | None
    reset_s: float | None


class Observations:
    """The attempts of one step, or the sessions.

    Args:
        most_exact: how many are kept exactly.

    Attributes:
        exact_until_s: every attempt that began before this is kept.
        left_out: how many later ones are not kept.
    """

    __slots__ = ("_answers", "_columns", "_later", "_limit", "_most", "_numbers", "exact_until_s", "left_out")

    def __init__(self, most_exact: int = MOST_EXACT) -> None:
        self.exact_until_s = inf
        self.left_out = 0
        self._most = most_exact
        self._answers: list[str] = []
        self._numbers: dict[str, int] = {}
        self._columns = tuple(array(kind) for kind in COLUMNS.values())
        self._later: list[tuple[int, tuple[int, ...]]] = []  # with their hashes, the smallest first
        self._limit = inf  # a later attempt with a larger hash is not in the sample

    def __len__(self) -> int:
        """How many are kept exactly."""
        return len(self._columns[0])

    def add(self, began_s: float, ended_s: float, answer: str, softphone: int, advice: LimitAdvice = NO_ADVICE) -> None:
        """Keep an attempt.

        Args:
            began_s: when it began, in seconds since the plan's start.
            ended_s: when it ended.
            answer: what came.
            softphone: the number of the softphone.
            advice: what was told.
        """
        number = self._numbers.get(answer)
        if number is None:
            number = self._number(answer)
        began, took, answers, softphones, retry_after, reset = self._columns
        began_us = int(began_s * 1e6)
        began.append(began_us)
        took.append(int(ended_s * 1e6) - began_us)
        answers.append(number)
        softphones.append(softphone)
        if advice is NO_ADVICE:
            retry_after.append(-1)
            reset.append(-1)
        else:
            retry_after.append(_milliseconds(advice.retry_after_s))
            reset.append(_milliseconds(advice.reset_s))
        if len(began) > 2 * self._most:
            self._bound()

    @property
    def answers(self) -> Sequence[str]:
        """The different answers that came."""
        return self._answers

    def durations_s(self, answers: Collection[str] | None = None) -> list[float]:
        """How long those took that began before ``exact_until_s``, the shortest first.

        Args:
            answers: only those with one of these answers; all by default.
        """
        numbers = {number for text, number in self._numbers.items() if answers is None or text in answers}
        until_us = self._until_us
        rows = zip(*self._columns[:3], strict=True) if numbers else ()
        return sorted([took / 1e6 for began, took, answer in rows if answer in numbers and began < until_us])

    def merge(self, other: Observations) -> None:
        """Add those of another process, or of a later time."""
        numbers = [self._number(answer) for answer in other._answers]
        columns: list[Sequence[int]] = list(other._columns)
        columns[_ANSWER] = array("H", [numbers[each] for each in columns[_ANSWER]])
        self.left_out += other.left_out
        fewer = other.exact_until_s < self.exact_until_s
        self.exact_until_s = min(self.exact_until_s, other.exact_until_s)
        self._sample([(began, took, numbers[answer], *rest) for _, (began, took, answer, *rest) in other._later])
        if not fewer and min(columns[0], default=inf) >= self._until_us:  # as most are, once enough are kept
            self._sample(list(zip(*columns, strict=True)))
            return
        for column, added in zip(self._columns, columns, strict=True):
            column.extend(added)
        if len(self) > self._most or self.exact_until_s < inf:
            self._bound()

    def continued(self) -> Observations:
        """None yet: for attempts after these, without those that ``merge`` would not keep."""
        found = Observations(self._most)
        found.exact_until_s, found._limit = self.exact_until_s, self._limit
        return found

    def exact(self) -> Iterator[Observed]:
        """All that began before ``exact_until_s``, in that order."""
        until_us = self._until_us
        return (self._observed(row) for row in sorted(zip(*self._columns, strict=True)) if row[0] < until_us)

    def later(self) -> Iterator[Observed]:
        """Some of the later ones."""
        return map(self._observed, self._later_rows())

    def to_plain(self) -> dict[str, Any]:
        """The observations as strings and numbers, for another process: quickly, and not compressed."""
        return self._plain(self._columns, list(zip(*self._later_rows(), strict=True)), level=0)

    def compact(self) -> dict[str, Any]:
        """The same for a record: sorted by instant, and compressed; a higher level takes three times as long."""
        columns = list(zip(*sorted(zip(*self._columns, strict=True)), strict=True))
        return self._plain(columns, list(zip(*self._later_rows(), strict=True)), level=4)

    def _plain(self, columns: Sequence[Sequence[int]], later: Sequence[Sequence[int]], level: int) -> dict[str, Any]:
        return {
            "count": len(self),
            "later_count": len(self._later),
            "left_out": self.left_out,
            "exact_until_s": None if self.exact_until_s == inf else self.exact_until_s,
            "answers": list(self._answers),
            "columns": _packed(columns, level),
            "later": _packed(later, level),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Observations:
        """The observations that ``to_plain`` made plain.

        Raises:
            ValueError: a column cannot be decoded, or has another length than the others.
        """
        found = cls()
        for answer in plain["answers"][:_MOST_ANSWERS]:
            found._number(str(answer))
        if plain["count"]:
            found._columns = tuple(_unpacked(plain["columns"], plain["count"]))
        if plain["later_count"]:
            found._sample(list(zip(*_unpacked(plain["later"], plain["later_count"]), strict=True)))
        found.left_out += int(plain["left_out"])
        found.exact_until_s = inf if plain["exact_until_s"] is None else float(plain["exact_until_s"])
        if any(answer >= len(found._answers) for answer in found._columns[_ANSWER]):
            raise ValueError("an answer has no text")
        return found

    def _number(self, answer: str) -> int:
        """The number of an answer, a new one where it is the first."""
        if answer not in self._numbers:
            self._numbers[answer] = len(self._answers)
            self._answers.append(answer)
        return self._numbers[answer]

    @property
    def _until_us(self) -> float:
        return inf if self.exact_until_s == inf else round(self.exact_until_s * 1e6)

    def _later_rows(self) -> list[tuple[int, ...]]:
        return sorted(row for _, row in self._later)

    def _bound(self) -> None:
        """Keep the earliest exactly, and a sample of the others.

        Rows are nearly in order: only those after the first that goes are touched, because tuples are slow.
        """
        began = self._columns[0]
        until_us = self._until_us
        if len(began) > self._most:
            until_us = min(until_us, sorted(began)[self._most])
        first = next(compress(count(), map(until_us.__le__, began)), len(began))
        rows = list(zip(*(column[first:] for column in self._columns), strict=True))
        if rows:
            self.exact_until_s = until_us / 1e6
            early = [row for row in rows if row[0] < until_us]
            for column, added in zip(self._columns, zip(*early, strict=True) if early else repeat(()), strict=False):
                del column[first:]
                column.extend(added)
            self._sample([row for row in rows if row[0] >= until_us])

    def _sample(self, rows: Collection[tuple[int, ...]]) -> None:
        """Keep those of ``rows`` that belong to the sample: those with the smallest hashes, which is random."""
        limit, later = self._limit, self._later
        hashed = [each for row in rows if (each := (_hash(row), row))[0] < limit]
        self.left_out += len(rows) - len(hashed)
        if hashed:
            later += hashed
            later.sort()
            self.left_out += max(len(later) - MOST_LATER, 0)
            del later[MOST_LATER:]
            if len(later) == MOST_LATER:
                self._limit = min(limit, later[-1][0])

    def _observed(self, row: tuple[int, ...]) -> Observed:
        began_us, took_us, answer, softphone, retry_after_ms, reset_ms = row
        return Observed(
            began_us / 1e6,
            (began_us + took_us) / 1e6,
            self._answers[answer],
            softphone,
            None if retry_after_ms < 0 else retry_after_ms / 1e3,
            None if reset_ms < 0 else reset_ms / 1e3,
        )


def _hash(row: tuple[int, ...]) -> int:
    """Without the answer: its number differs between processes."""
    began_us, took_us, _, softphone, *_ = row
    return hash((began_us, took_us, softphone))


def _milliseconds(seconds: float | None) -> int:
    return -1 if seconds is None else int(min(seconds, _LONGEST_S) * 1e3)


def _packed(columns: Sequence[Sequence[int]], level: int) -> dict[str, str]:
    """Each column as little-endian bytes, in zlib's format (RFC 1950) and base64."""
    packed = {}
    for (name, kind), column in zip(COLUMNS.items(), columns, strict=False):
        values = array(kind, column)
        if sys.byteorder == "big":
            values.byteswap()
        packed[name] = b64encode(zlib.compress(values.tobytes(), level)).decode()
    return packed


def _unpacked(columns: Mapping[str, str], count: int) -> Iterator[array[int]]:
    for name, kind in COLUMNS.items():
        column = array(kind)
        size = count * column.itemsize
        try:
            inflater = zlib.decompressobj()
            data = inflater.decompress(b64decode(columns[name], validate=True), size + 1)
        except (KeyError, ValueError, zlib.error) as error:
            raise ValueError(f"{name} cannot be decoded: {error}") from None
        if len(data) != size:
            raise ValueError(f"{name} does not have {count} values")
        column.frombytes(data)
        if sys.byteorder == "big":
            column.byteswap()
        yield column
