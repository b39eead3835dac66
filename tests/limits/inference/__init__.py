"""Which limit explains what was observed."""
