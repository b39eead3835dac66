"""Models of limits. All are pure: the clock is an argument.

- requests per time: token_bucket, lump_bucket, leaky_bucket, fixed_window, sliding_log, sliding_counter (window: what
  two of them share)
- how many at once: session_cap, work_queue
- combinations: penalty (around another limit), keyed (one limit for each key), step_limits (several limits for one
  request, and what the response says)
- response headers about a limit: refusal writes them, advice reads them
- inference: finds the limits that explain the observations of a client
"""
