"""``violations(page)``: what axe-core finds, a line for each element; and contrasts that axe-core does not check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["contrast", "violations"]

SCRIPT = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
CHECK = """async (tags) => {
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: tags } });
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any }) =>
    `${id}: ${help}: ${target.join(" ")} ${any.map(({ message }) => message).join("; ")}`));
}"""
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def violations(page: Page) -> list[str]:
    """What is wrong with the page as it is now."""
    if not SCRIPT.is_file():
        pytest.skip("no axe-core (npm ci --prefix tests/accessibility)")
    page.evaluate(SCRIPT.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(CHECK, list(TAGS))
    return found


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, ``#rrggbb`` (WCAG 2.2, contrast ratio): from 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
