"""The colours of the charts: a step, a cause or a number of softphones has one colour on every page.

The web UI and the HTML report put ``css()`` into their pages and use the colours by name, such as ``var(--token)``.
Each colour has a contrast of at least 3:1 with the pages' backgrounds, as WCAG 2.2 asks for (1.4.11), in light and in
dark. Most are darker or lighter forms of Okabe and Ito's palette, distinguishable with any colour vision.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["BACKGROUNDS", "COLOURS", "Colour", "css", "variable"]


class Colour(NamedTuple):
    """A colour on light and on dark pages, as ``#rrggbb``."""

    light: str
    dark: str


BACKGROUNDS = (Colour("#ffffff", "#15181c"), Colour("#f5f6f7", "#1f2429"))
"""What the charts are drawn on: the page, and the cards on it."""

_BLUE = Colour("#0072b2", "#3d9fdb")
_GREEN = Colour("#00805e", "#2fc39a")
_GREY = Colour("#6b7076", "#9aa1a9")
_OCHRE = Colour("#8a6a00", "#e0c04a")
_PURPLE = Colour("#9b4d96", "#cf93c9")
_SKY = Colour("#2f87bf", "#9ad4f5")
_TEAL = Colour("#007d85", "#5fc9cf")
_VERMILION = Colour("#d05a00", "#ec7c33")

_OTHER = "other"

COLOURS: Mapping[str, Colour] = MappingProxyType(
    {
        # request steps
        "token": _BLUE,
        "identity": _OCHRE,
        "channel": _TEAL,
        "handshake": _VERMILION,
        "registration": _TEAL,
        "offer": _PURPLE,
        # softphones
        "planned": _GREY,
        "started": _SKY,
        "connected": _BLUE,
        "answered": _GREEN,
        # causes of abnormal closes
        "refused": _VERMILION,
        "reset": _PURPLE,
        "lost": _OCHRE,
        "proxy": _TEAL,
        "timed_out": _BLUE,
        "malformed": _GREY,
        # percentiles of the call set-up time
        "p50": _BLUE,
        "p95": _SKY,
        "p99": _GREY,
        # retries
        "deadline": _GREY,
        "honoured": _BLUE,
        "too_early": _VERMILION,
        _OTHER: _GREY,
    }
)
"""The colour of each series, by its name in metrics and records."""


def variable(name: str) -> str:
    """The CSS variable that has the colour of a series; names that are not known here share one."""
    return f"--{(name if name in COLOURS else _OTHER).replace('_', '-')}"


def css() -> str:
    """A style sheet that sets the variables. The page must set ``color-scheme``."""
    pairs = "".join(f" {variable(name)}: light-dark({light}, {dark});" for name, (light, dark) in COLOURS.items())
    return f":root {{{pairs} }}"
