"""The script of a study's contender, for `export` and for `report`."""

from __future__ import annotations

from pathlib import Path

from tunewise.export.script.write import write_script
from tunewise.results import StudyResults
from tunewise.trained import choose
from tunewise.training.assembly import Parts


def write_script_of(
    study: StudyResults, contender: str | None, folder: Path, *, copy_models: bool
) -> tuple[Path, str]:
    """Write the script of a contender, the best one if none is named, with its data.

    Returns:
        The script's path, and the id of the trial that it does again.

    Raises:
        InputError: there is no such contender, it has no result, or no script does what it does.
    """
    chosen = choose(study, contender, weights=False)
    parts = Parts.of(chosen.settings, study.folder.path)
    test = study.folder.test(chosen.record.id)
    script = write_script(
        parts,
        chosen.record.result,
        folder,
        contender=chosen.name,
        tests=test.result.metrics["test"] if test else None,
        copy_models=copy_models,
    )
    return script, chosen.record.id
