"""Wording of messages: refused values as they were written, what would be right, and durations for people."""

from __future__ import annotations

import json
from collections.abc import Collection
from difflib import get_close_matches

__all__ = ["choices", "did_you_mean", "duration", "nearest", "one_line", "quoted"]

LONGEST = 60


def quoted(value: object) -> str:
    """``value`` as in a YAML file, on one line and not too long: strings in quotes, numbers plain."""
    if isinstance(value, (dict, list, tuple)):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = one_line(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def duration(seconds: float) -> str:
    """A measured duration to three digits: ``3.46 ms``, ``10.9 s``; a long one as ``9 min 5 s`` or ``1 h 30 min``."""
    if seconds >= 119.5:
        minutes, rest = divmod(round(seconds), 60)
        if minutes < 60:
            return f"{minutes} min {rest} s"
        hours, minutes = divmod(round(seconds / 60), 60)
        return f"{hours} h {minutes} min"
    scaled, unit = (seconds * 1000, "ms") if seconds < 0.9995 else (seconds, "s")
    decimals = 2 if scaled < 9.995 else 1 if scaled < 99.95 else 0
    return f"{scaled:.{decimals}f} {unit}"


def one_line(text: str) -> str:
    """``text`` with line breaks and control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def nearest(word: object, known: Collection[str]) -> str | None:
    """The known word that is most similar to ``word``, or None."""
    return next(iter(get_close_matches(str(word), sorted(known), n=1)), None)


def did_you_mean(word: object, known: Collection[str]) -> str:
    """Advice for a wrong word: the most similar known word, or all of them."""
    near = nearest(word, known)
    return f"did you mean {near}?" if near else f"there are {_listed(known)}"


def choices(word: object, known: Collection[str]) -> str:
    """Advice for a wrong word: the most similar known word, if there is one, and all of them."""
    near = nearest(word, known)
    return f"did you mean {near}? There are {_listed(known)}" if near else f"there are {_listed(known)}"


def _listed(known: Collection[str]) -> str:
    return ", ".join(sorted(known)) or "none"
