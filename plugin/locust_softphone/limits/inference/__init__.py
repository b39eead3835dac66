"""Which limit explains what was observed, and how large it is: observations in, hypotheses with bounds out.

observations ──► diagnosis ──► for each kind of limit: bounds of its parameters, or the observation that rules it out
"""
