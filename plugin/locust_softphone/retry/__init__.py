"""Whether to try again, when, and how many requests that may cost.

The names below are tenacity strategies. They compose with ``+`` and ``|``, and work around any code that raises
``AttemptFailed``, in your own script too (docs/retries.md).
"""

from locust_softphone.retry.strategies import (
    retry_if_retryable,
    stop_after_step_retries,
    stop_at,
    wait_backoff,
    wait_equal_jitter,
    wait_full_jitter,
    wait_longest,
    wait_reset,
    wait_retry_after,
)

__all__ = [
    "retry_if_retryable",
    "stop_after_step_retries",
    "stop_at",
    "wait_backoff",
    "wait_equal_jitter",
    "wait_full_jitter",
    "wait_longest",
    "wait_reset",
    "wait_retry_after",
]
