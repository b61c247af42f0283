"""`python -m runner.commands.front_page`: makes the default store ready for a visit, and prints where to begin."""

from __future__ import annotations

import sys

from runner.commands.locate import default_tracking
from runner.errors import ConfigError, RunError
from runner.records.description import VIEW
from runner.records.store import as_run_error, open_experiment

PAGES = "http://127.0.0.1:5000/#/experiments"


def front_page(uri: str, experiment: str) -> str:
    """The address of the table of runs, where `mlflow ui` shows the store: of the experiment that was run last.

    The store is made if there is none, with the ``experiment``, so that the first visit too finds what it is about.

    Raises:
        ConfigError: The experiment was deleted.
        RunError: The store cannot be reached.
    """
    client, made = open_experiment(uri, experiment)
    with as_run_error(uri):
        there = {found.experiment_id: found for found in client.search_experiments()}
        last = client.search_runs(list(there), order_by=["attributes.start_time DESC"], max_results=1)
        shown = there[last[0].info.experiment_id if last else made]
    view = f"viewStateShareKey={VIEW}&" if f"mlflow.sharedViewState.{VIEW}" in shown.tags else ""
    return f"{PAGES}/{shown.experiment_id}/runs?{view}workflowType=machine_learning"


if __name__ == "__main__":
    try:
        print(f"runs: {front_page(default_tracking('uri'), default_tracking('experiment'))}")
    except (ConfigError, RunError) as error:
        sys.exit(f"runner: {error}")
