"""Finds the limits that explain the observations of a client: observations in, hypotheses with bounds out.

    observations ──► diagnosis ──► for each kind of limit: bounds of its parameters, or why it is ruled out

It can:  bound the parameters of every kind in ``kinds.Kind`` (tested in virtual time; token bucket, leaky queue and
         measured rate also against nginx and haproxy); name an experiment that separates the remaining kinds; find out
         whether each key has its own limit.
Not yet: - Traffic of other clients must be declared (``foreign_share``); otherwise the bounds may miss the truth, and
           with a window the kind may be wrong (``benchmarks/diagnosis.py``).
         - Several limits on one request, and a limit that was used before the first observation, are not modelled.
"""
