"""The exceptions of this package, and the exit codes.

    SoftphoneError
    ├── InputError        bad input from a person: one line for each problem, exit code 2
    └── AttemptFailed     one attempt of one step failed: data, never a crash

An exception stores values and formats them in ``__str__``. Locust's failure table has one row for each different text,
so the text of a failed attempt contains no ids, times or bodies.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from locust_softphone.limits.advice import NO_ADVICE, LimitAdvice
from locust_softphone.metrics.outcome import Outcome

__all__ = ["AttemptFailed", "ExitCode", "InputError", "SoftphoneError"]


class ExitCode(IntEnum):
    """The exit codes of every command and of every headless run."""

    PASSED = 0  # every expectation held
    FAILED = 1  # an expectation failed
    BAD_INPUT = 2  # one line says what is wrong, where, and what would be right
    INVALID = 3  # the run cannot be trusted, or is missing
    OUTPUT = 4  # output could not be written

    @staticmethod
    def most_serious(codes: Iterable[int]) -> ExitCode:
        """The most serious of some exit codes: bad input first, then what cannot be trusted, then what failed."""
        return ExitCode(max(codes, key=_SERIOUSNESS.index, default=ExitCode.PASSED))


_SERIOUSNESS = (ExitCode.PASSED, ExitCode.FAILED, ExitCode.INVALID, ExitCode.OUTPUT, ExitCode.BAD_INPUT)


class SoftphoneError(Exception):
    """Base class of the exceptions that this package raises on purpose."""


class InputError(SoftphoneError):
    """Bad input from a person: a profile, a policy, an option or a target that cannot be used.

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
        outcome: how it failed.
        status: the HTTP status, if a response was read.
        close_code: the code of a close frame (RFC 6455 7.4), or 1006 for a connection lost without one.
        advice: when to retry, according to the response.
        foreign: whether a response was read that has no id of an edge: something in between may have answered.
        reason: which rule an answer breaks, or why TLS failed; a fixed text, because failures are grouped by it.
        protocol: what the status is one of: HTTP or SIP.
        detail: what exactly was found, for a message about this one failure; it is not part of the text.

    Attributes:
        tries: how often the step has failed in this set-up, this failure included; 0 if it was not counted.
    """

    def __init__(
        self,
        outcome: Outcome,
        *,
        status: int | None = None,
        close_code: int | None = None,
        advice: LimitAdvice = NO_ADVICE,
        foreign: bool = False,
        reason: str = "",
        detail: str = "",
        protocol: str = "HTTP",
    ) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.status = status
        self.close_code = close_code
        self.advice = advice
        self.foreign = foreign
        self.reason = reason
        self.detail = detail
        self.protocol = protocol
        self.tries = 0

    @property
    def says_too_fast(self) -> bool:
        """Whether a limit refused the attempt: a 429; in SIP, which has no such 429, a 503 with Retry-After."""
        told = self.advice.retry_after_s is not None
        return self.outcome is Outcome.RATE_LIMITED or (self.protocol == "SIP" and self.status == 503 and told)

    def without_frames(self) -> AttemptFailed:
        """This exception without its traceback and context, for a failure that is kept.

        The traceback refers to frames that refer back to the exception. Only the garbage collector frees such a cycle,
        and a load generator postpones garbage collection.
        """
        self.__traceback__ = self.__context__ = None
        return self

    def __str__(self) -> str:
        details = [f"{self.protocol} {self.status}"] if self.status is not None else []
        if self.close_code is not None:
            details.append(f"close {self.close_code}")
        if self.reason:
            details.append(self.reason)
        return f"{self.outcome.value} ({', '.join(details)})" if details else self.outcome.value

    def __repr__(self) -> str:
        return f"AttemptFailed({self})"
