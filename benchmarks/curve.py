"""Draws curves over time, one panel below the other, as an SVG for light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

__all__ = ["Panel", "draw"]

WIDTH, PANEL_HEIGHT = 900, 150
LEFT, RIGHT, TOP, GAP, BOTTOM = 70, 20, 30, 40, 45
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .grid { stroke: #d0d7de } .curve { stroke: #0969da; stroke-width: 1.5; fill: none }
  .mark { stroke: #8c959f; stroke-dasharray: 2 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .grid { stroke: #30363d } .curve { stroke: #58a6ff } .mark { stroke: #6e7681 }
  }
"""


@dataclass(frozen=True)
class Panel:
    """One curve, from 0 upwards."""

    name: str
    values: Sequence[float]


def draw(at: Sequence[float], panels: Sequence[Panel], *, marks: Sequence[float], x: str) -> str:
    """The panels over a common axis.

    Args:
        at: the position of each value on the axis.
        panels: one curve each, with a value for each position.
        marks: the positions of dotted lines.
        x: the label of the axis.
    """
    height = TOP + len(panels) * (PANEL_HEIGHT + GAP) - GAP + BOTTOM
    axis_step = _step(max(at), 12)
    parts = [f"<style>{STYLE}</style>"]

    def across(value: float) -> float:
        return LEFT + value / max(at) * (WIDTH - LEFT - RIGHT)

    for index, panel in enumerate(panels):
        top = TOP + index * (PANEL_HEIGHT + GAP)
        step = _step(max(panel.values), 4)
        most = ceil(max(panel.values) / step) * step or 1.0
        parts.append(_text(LEFT, top - 8, panel.name))
        for tick in range(round(most / step) + 1):
            y = top + PANEL_HEIGHT * (1 - tick * step / most)
            parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "grid"))
            parts.append(_text(LEFT - 8, y + 4, f"{tick * step:g}", "end"))
        parts += [_line(across(mark), top, across(mark), top + PANEL_HEIGHT, "mark") for mark in marks]
        points = " ".join(
            f"{across(when):.1f},{top + PANEL_HEIGHT * (1 - value / most):.1f}"
            for when, value in zip(at, panel.values, strict=True)
        )
        parts.append(f'<polyline class="curve" points="{points}"/>')
    for tick in range(floor(max(at) / axis_step) + 1):
        parts.append(_text(across(tick * axis_step), height - BOTTOM + 18, f"{tick * axis_step:g}", "middle"))
    parts.append(_text(WIDTH - RIGHT, height - 8, x, "end"))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    return "\n".join([svg, *parts, "</svg>"]) + "\n"


def _step(most: float, lines: int) -> float:
    """The distance of grid lines: 1, 2 or 5 times a power of ten, for at most ``lines`` lines."""
    least = max(most, 1e-9) / lines
    power = 10.0 ** floor(log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
