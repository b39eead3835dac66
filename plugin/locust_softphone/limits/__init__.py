"""Models of limits, and what they look like from outside. All are pure: the clock is an argument.

- how often: token_bucket, lump_bucket, leaky_bucket, fixed_window, sliding_log, sliding_counter
- how many at once: session_cap, work_queue
- combinations: penalty (around another limit), keyed (one limit per key, and several in a row)
- what a response says about a limit: refusal writes it, advice reads it
- inference: which limit explains what a client observed
"""
