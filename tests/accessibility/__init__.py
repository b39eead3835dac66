"""Checks pages with axe-core (run ``npm ci`` in this folder), by the rules of WCAG 2.2, levels A and AA."""
