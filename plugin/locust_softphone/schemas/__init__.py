"""The JSON Schemas of the files that people and programs read: profiles, policies, run records, comparisons."""
