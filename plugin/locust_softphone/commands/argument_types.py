"""Parsers of command-line values, for ``type=`` of an argument; each says what would be right."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from locust_softphone.config.units import parse_duration

__all__ = ["duration_s", "existing_file", "whole_number"]


def whole_number(most: int, least: int = 1) -> Callable[[str], int]:
    """A parser of whole numbers from ``least`` to ``most``."""

    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}, not {text!r}")
        return int(text)

    return parse


def duration_s(text: str) -> float:
    """A duration such as ``60s``, in seconds."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def existing_file(text: str) -> Path:
    """The path of a file that exists."""
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"no such file: {text}")
    return Path(text)
