"""Plotly's script, which draws the charts of the HTML page and of the web UI (report/plotly/README.md)."""

from __future__ import annotations

from pathlib import Path

__all__ = ["PLOTLY_FILE"]

PLOTLY_FILE = Path(__file__).with_name("plotly") / "plotly-basic.min.js"
