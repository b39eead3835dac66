"""Types that several parts of a policy use."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from locust_softphone.config.strict_yaml import StrictModel
from locust_softphone.config.units import PerSecond, Seconds

__all__ = ["Period", "RateAndBurst"]


def _above_zero(seconds: float) -> float:
    if not seconds > 0:
        raise ValueError("must be longer than 0s")
    return seconds


Period = Annotated[Seconds, AfterValidator(_above_zero)]
"""A duration above 0 seconds."""


class RateAndBurst(StrictModel):
    """The size of a token bucket: ``rate`` in the long run, ``burst`` at once."""

    rate: PerSecond = Field(description="how many per second in the long run")
    burst: int = Field(ge=1, le=1_000_000, description="how many at once after a quiet time")

    @classmethod
    def of(cls, rate: str, burst: int) -> RateAndBurst:
        """Written as in a policy file: ``RateAndBurst.of("50/s", 300)``."""
        return cls.model_validate({"rate": rate, "burst": burst})
