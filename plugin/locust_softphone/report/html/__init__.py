"""The comparison as one HTML file that needs nothing else: no server, no network, no other file."""

from locust_softphone.report.html.page import comparison_html, write_html

__all__ = ["comparison_html", "write_html"]
