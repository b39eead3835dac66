"""A comparison as a self-contained HTML file, and a run as a section of another page."""
