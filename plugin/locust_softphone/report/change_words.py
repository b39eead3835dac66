"""A change of a run's conditions in plain words: ``Pacing the starts at 50/s``, ``Retrying up to 3 times``.

A setting without words of its own is named as in the profile: ``timeout 5s instead of 10s``. Several settings that
changed together are called that, because their effects cannot be told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from locust_softphone.report.conditions import Change
from locust_softphone.report.values import listed

__all__ = ["change_words", "is_single"]

LONGEST = 80
"""A longer text is shortened to the setting's name, so that a headline fits two lines."""

MOST_NAMES = 4


def is_single(changed: Sequence[Change]) -> bool:
    """Whether one setting changed, and nothing else."""
    return len(changed) == 1 and changed[0].settings == 1


def change_words(changed: Sequence[Change]) -> str:
    """What changed, as the subject of a sentence."""
    if not is_single(changed):
        settings = sum(change.settings for change in changed)
        names = [change.part for change in changed]
        more = f"{len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        return f"{settings} changes at once ({listed(filter(None, [*names[:MOST_NAMES], more]))})"
    (change,) = changed
    words = _WORDS.get((change.part, change.name), _named)(change)
    return words if len(words) <= LONGEST else f"Another {change.name}"


def _named(change: Change) -> str:
    return f"{change.full_name} {change.after} instead of {change.before}"


def _ramp(change: Change) -> str:
    if change.after == "0s":
        return "Starting all at once"
    if "," in change.after or " " in change.after:
        return "Starting in stages"
    return f"{'Pacing the starts at' if '/' in change.after else 'Spreading the starts over'} {change.after}"


def _users(change: Change) -> str:
    return f"{change.after} softphones instead of {change.before}"


def _max_retries(change: Change) -> str:
    if change.after == "0":
        return "Not retrying"
    instead = "" if change.before == "0" else f" instead of {change.before}"
    return f"Retrying up to {change.after} time{'' if change.after == '1' else 's'}{instead}"


def _one_of(texts: Mapping[str, str]) -> Callable[[Change], str]:
    return lambda change: texts.get(change.after) or _named(change)


_WORDS: Mapping[tuple[str, str], Callable[[Change], str]] = MappingProxyType(
    {
        ("ramp", "ramp"): _ramp,
        ("users", "users"): _users,
        ("arrivals", "arrivals"): _one_of({"poisson": "Random (Poisson) starts", "uniform": "Evenly spaced starts"}),
        ("token", "token"): _one_of(
            {
                "shared": "One token for all softphones",
                "per-softphone": "A token for each softphone",
                "per-connection": "A new token for each connection",
            }
        ),
        ("ready", "ready"): _one_of({"wait": "Waiting for ready", "ignore": "Not waiting for ready"}),
        ("connection", "connection"): _one_of(
            {"reuse": "Reusing the WebSocket", "per-call": "A new WebSocket for each call"}
        ),
        ("retry", "max_retries"): _max_retries,
        ("retry", "jitter"): _one_of(
            {"none": "Retrying without jitter", "full": "Retrying with full jitter", "equal": "Retrying with jitter"}
        ),
        ("retry", "retry_after"): _one_of(
            {
                "honour": "Honouring Retry-After",
                "ignore": "Ignoring Retry-After",
                "add": "Waiting longer than Retry-After",
            }
        ),
        ("retry", "remaining"): _one_of(
            {"honour": "Waiting when X-RateLimit-Remaining is 0", "ignore": "Ignoring X-RateLimit-Remaining"}
        ),
        ("retry", "scope"): _one_of(
            {"fleet": "Pausing the whole fleet after a 429", "user": "Pausing only the refused softphone after a 429"}
        ),
    }
)
"""The words for a change of a setting, by its part and name."""
