"""Profiles and everything in them: a YAML file becomes a frozen value, or a list of all its problems."""
