"""The rows that a study reads: one door for all who prepare, plan, list or measure them."""

from __future__ import annotations

from tunewise.data.sources import Data, read_data
from tunewise.studyfile.settings import StudySettings


def rows_of(settings: StudySettings) -> Data:
    """Read, clean and cut the data of a study, with the columns that its task reads.

    Raises:
        InputError: the data are not there, or cannot be read as the study says.
    """
    reading = settings.task.reading
    return read_data(
        settings.data,
        reading.columns,
        settings.base,
        texts=reading.texts,
        label=reading.stratum,
        shape=reading.shape,
    )
