"""One policy for each kind of limit, about as strict as each other: 500 handshakes need 9 to 10 s.

Only handshakes are limited, so that a table shows what each kind does. Rates and quotas are illustrative.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from locust_softphone.config.policy import Policy

__all__ = ["LIMIT_EXAMPLES"]

_OPEN = {"rate": "1000000/s", "burst": 1_000_000}
_BUCKET = {"rate": "50/s", "burst": 50}
_WINDOW = {"quota": 250, "window": "5s"}


def _policy(limit: Mapping[str, Any], **keys: Any) -> Policy:
    part = "sessions" if limit.get("kind") == "session-cap" else "handshake"
    limits = {"token": _OPEN, "handshake": _OPEN, "offer": _OPEN, part: limit}
    return Policy.model_validate({"limits": limits, "setup": _OPEN, **keys})


LIMIT_EXAMPLES: Mapping[str, Policy] = MappingProxyType(
    {
        "token bucket, Retry-After is an own slot": _policy(_BUCKET),
        "token bucket, Retry-After is the next token": _policy(_BUCKET, retry_after={"advice": "next-token"}),
        "token bucket, no Retry-After": _policy(_BUCKET, retry_after={"form": "none"}),
        "lumps of 50 a second": _policy(
            {"kind": "lump-bucket", "lump": 50, "every": "1s", "burst": 50}, retry_after={"advice": "next-token"}
        ),
        "fixed window, 250 in 5 s": _policy(
            {"kind": "fixed-window", **_WINDOW, "begins": "clock"}, retry_after={"advice": "next-token"}
        ),
        "sliding log, 250 in 5 s": _policy({"kind": "sliding-log", **_WINDOW}, retry_after={"advice": "next-token"}),
        "refused requests count too, 250 in 5 s": _policy(
            {"kind": "measured-rate", **_WINDOW}, retry_after={"advice": "next-token"}
        ),
        "bucket with a penalty of 3 s": _policy({**_BUCKET, "penalty": {"lasts": "3s"}}),
        "queue that delays, then refuses": _policy({"kind": "leaky-bucket", "rate": "50/s", "queue": 100}),
        "10 at a time, 40 wait": _policy({"kind": "work-queue", "workers": 10, "queue": 40, "work": "200ms"}),
        "cap of 300 sessions": _policy({"kind": "session-cap", "cap": 300}),
    }
)
