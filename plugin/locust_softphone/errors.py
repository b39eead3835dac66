"""What can go wrong, in one tree.

    SoftphoneError
    ├── InputError        somebody gave us something we cannot use: one line a problem, exit code 2
    └── AttemptFailed     one try of one step did not succeed: data, never a crash

An exception stores facts and formats them in ``__str__``. Text that reaches Locust's failure table must not vary from
one attempt to the next, or each attempt makes a row of its own: no ids, no times, no bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from locust_softphone.metrics.outcome import Outcome

__all__ = ["AttemptFailed", "ExitCode", "InputError", "SoftphoneError"]

NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class ExitCode(IntEnum):
    """What every command and every headless run ends with."""

    PASSED = 0  # every expectation held
    FAILED = 1  # an expectation failed
    BAD_INPUT = 2  # one line says what, where, and what would be right
    INVALID = 3  # the run cannot be trusted, or is missing
    OUTPUT = 4  # output could not be written


class SoftphoneError(Exception):
    """Base of everything this package raises on purpose."""


class InputError(SoftphoneError):
    """Bad input from a person: a profile, a policy, an option, a target that cannot be used.

    Args:
        problems: one line each: what is wrong, where, and what would be right.
    """

    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(self.problems)


class AttemptFailed(SoftphoneError):
    """One attempt of one step ended in an outcome other than ``Outcome.OK``.

    Args:
        outcome: which way it failed.
        status: the HTTP status, where a response was read.
        close_code: the code of a close frame (RFC 6455 7.4), or 1006 for a connection lost without one.
        headers: the response's headers, names in lower case.
    """

    def __init__(
        self,
        outcome: Outcome,
        *,
        status: int | None = None,
        close_code: int | None = None,
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.status = status
        self.close_code = close_code
        self.headers = headers

    def without_frames(self) -> AttemptFailed:
        """Itself, having let go of its traceback and of what was handled when it was raised.

        A failure that is kept holds the frames that it passed, and they hold it: nothing but garbage collection would
        free them, and a load generator puts that off.
        """
        self.__traceback__ = self.__context__ = None
        return self

    def __str__(self) -> str:
        facts = [f"HTTP {self.status}"] if self.status is not None else []
        if self.close_code is not None:
            facts.append(f"close {self.close_code}")
        return f"{self.outcome.value} ({', '.join(facts)})" if facts else self.outcome.value

    def __repr__(self) -> str:
        return f"AttemptFailed({self})"
