"""MLflow: an SQLite store with an experiment for the study and a run for each trial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tunewise.core.extras import needed
from tunewise.trackers.process import main
from tunewise.trackers.runs import Run

EXTRA = "mlflow"
MOST_METRICS = 1000  # and 100 parameters: MLflow's limits for one batch
MOST_PARAMETERS = 100
LONGEST = 6000  # letters of a parameter's value


def write(place: Path, study: str, runs: Sequence[Run]) -> None:
    """Write the runs into ``mlflow.db``."""
    entities = needed("mlflow.entities", extra=EXTRA)
    client = needed("mlflow", extra=EXTRA).MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    found = client.get_experiment_by_name(study)
    experiment = (
        found.experiment_id
        if found
        else client.create_experiment(study, artifact_location=(place / "artifacts").as_uri())
    )
    for run in runs:
        for old in client.search_runs([experiment], f"tags.`tunewise.trial` = '{run.id}'"):
            client.delete_run(old.info.run_id)
        started = _milliseconds(run.started)
        made = client.create_run(experiment, start_time=started, tags=run.tags, run_name=run.name)
        last = max((point.step for point in run.points), default=0)
        points = [(p.step, run.started + p.seconds, p.values) for p in run.points]
        metrics = [
            entities.Metric(name, value, _milliseconds(time), step)
            for step, time, values in [*points, (last, run.started + run.seconds, run.summary)]
            for name, value in values.items()
        ]
        parameters = [entities.Param(k, str(v)[:LONGEST]) for k, v in run.settings.items()]
        for start in range(0, len(parameters), MOST_PARAMETERS):
            chosen = parameters[start : start + MOST_PARAMETERS]
            client.log_batch(made.info.run_id, params=chosen)
        for start in range(0, len(metrics), MOST_METRICS):
            client.log_batch(made.info.run_id, metrics=metrics[start : start + MOST_METRICS])
        status = "FINISHED" if run.status == "done" else "FAILED"
        ended = _milliseconds(run.started + run.seconds)
        client.set_terminated(made.info.run_id, status=status, end_time=ended)


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


if __name__ == "__main__":
    main(write)
