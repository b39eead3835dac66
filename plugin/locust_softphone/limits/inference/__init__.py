"""Finds the limits that explain the observations of a client: observations in, hypotheses with bounds out.

    observations ──► diagnosis ──► for each kind of limit: bounds of its parameters, or why it is ruled out

It can:  bound the parameters of every kind in ``kinds.Kind``, in virtual time and against nginx and haproxy;
         say which experiment would separate the kinds that remain; compare keys.
Not yet: - No command uses it. Locust runs do not produce its observations.
         - Traffic of other clients must be declared (``foreign_share``). Undeclared, the bounds may miss the truth.
           With foreign traffic, token buckets, aligned windows and sliding logs are tested, the other kinds are not.
         - One limit decides at a time. Several limits on one request, or a limit used before the first observation,
           are not modelled.
"""
