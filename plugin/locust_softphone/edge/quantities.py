"""What several parts of a policy are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import PerSecond, Seconds, format_rate

__all__ = ["Period", "Rate"]


def _above_zero(seconds: float) -> float:
    if not seconds > 0:
        raise ValueError("must be longer than 0s")
    return seconds


Period = Annotated[Seconds, AfterValidator(_above_zero)]
"""A duration that is longer than none."""


class Rate(StrictModel):
    """A token bucket: ``rate`` in the long run, ``burst`` at once."""

    rate: PerSecond = Field(description="how many a second in the long run")
    burst: int = Field(ge=1, le=1_000_000, description="how many at once after a quiet time")

    @classmethod
    def of(cls, rate: str, burst: int) -> Rate:
        """As a policy file would have it: ``Rate.of("50/s", 300)``."""
        return cls.model_validate({"rate": rate, "burst": burst})

    def __str__(self) -> str:
        return f"{format_rate(self.rate)} burst {self.burst}"
