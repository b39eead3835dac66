"""Models of limits, and what they look like from outside: pure, with the clock as an argument.

token_bucket · lump_bucket · leaky_bucket · fixed_window · sliding_log · sliding_counter      how often
session_cap · work_queue                                                                      how many at once
penalty (around any other) · keyed (one limit per key, several in a row)                      combinations
refusal                                                                                       what a refusal says
"""
