"""The dialects of this package, a file or a folder each, and all dialects by name (by_name.py)."""
