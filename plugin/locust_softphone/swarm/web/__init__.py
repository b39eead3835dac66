"""The web UI: our pages under ``/softphone``, and what we add to Locust's own pages.

    pages.py            the routes, behind Locust's login if that is on
    form.py             checks the form that starts a run
    live.py             what a profile will do, and the metrics of the current run
    openmetrics_page.py the metrics of the current run, for Prometheus
    prediction_pages.py the routes that predict: before a run its outcome, after it a ramp without refusals
    predictions.py      simulate and plan as child processes
    finished_runs.py    the runs of the runs folder
    password.py         the password of the pages, if they have one
    origins.py          refuses requests that other sites caused
    form_problems.py    problems in words of the form
    locust_page.py      additions to Locust's own pages

The process that serves a page also makes the load, or is its master: slow work is refused during a run.
"""
