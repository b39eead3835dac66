"""What can go wrong, in one tree.

    SoftphoneError
    ├── InputError        somebody gave us something we cannot use: one line a problem, exit code 2
    └── AttemptFailed     one try of one step did not succeed: data, never a crash

An exception stores facts and formats them in ``__str__``. Text that reaches Locust's failure table must not vary from
one attempt to the next, or each attempt makes a row of its own: no ids, no times, no bodies.
"""

from __future__ import annotations

from enum import IntEnum

from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome

__all__ = ["AttemptFailed", "ExitCode", "InputError", "SoftphoneError"]


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
        advice: when to ask again, as the response says it.

    Attributes:
        tries: how often the step has failed in this set-up, this failure included; 0 where nobody counts.
    """

    def __init__(
        self,
        outcome: Outcome,
        *,
        status: int | None = None,
        close_code: int | None = None,
        advice: LimitAdvice = NO_ADVICE,
    ) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.status = status
        self.close_code = close_code
        self.advice = advice
        self.tries = 0

    def without_frames(self) -> AttemptFailed:
        """The same failure without its traceback and context, so that it can be kept.

        The traceback refers to frames, and these refer to the failure. Only garbage collection could free them, and a
        load generator postpones it.
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
