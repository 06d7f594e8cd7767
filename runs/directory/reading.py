"""Read a record, or say in one sentence which file is damaged and what to do."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from ...errors import RunError
from .storage import Directory

__all__ = ["damaged", "read_record"]

Model = TypeVar("Model", bound=BaseModel)

_WAYS_OUT = {
    "absent.json": "delete it, and the results are looked for again",
    "batch.json": "delete it, and the batch is looked for at the provider",
    "deadline.json": "give --finish-by to `resume`, which writes it again",
    "ended.json": "delete it, and the results are downloaded again",
    "tally.json": "delete it, and the results are read again",
    "report.json": "delete done.json, and `resume` writes the report again",
    "resend-lost.json": "delete it, and give --resend-lost to `resume` again",
    "requests.jsonl": "start a new run with another --run-dir",
}
"""What helps where there is no backup of a file, by the end of its name."""


def read_record(directory: Directory, name: str, kind: type[Model]) -> Model:
    """Return a record that must exist.

    Raises:
        RunError: It is missing, damaged, or a newer version's.
    """
    data = directory.read(name)
    if data is None:
        raise damaged(directory, name, "it is missing")
    try:
        return kind.model_validate_json(data)
    except ValidationError as exc:
        errors = exc.errors(include_url=False, include_input=False)
        if all(error["type"] == "extra_forbidden" for error in errors):
            fields = ", ".join(str(error["loc"][-1]) for error in errors)
            raise RunError(
                f"{directory.url}/{name} is of a newer version of batchwright"
                f" ({fields}); upgrade batchwright. Nothing was sent."
            ) from exc
        where = ".".join(map(str, errors[0]["loc"]))
        why = f"{where}: {errors[0]['msg']}" if where else errors[0]["msg"]
        raise damaged(directory, name, why) from exc


def damaged(directory: Directory, name: str, why: str) -> RunError:
    """Return the error about a file that cannot be used."""
    kind = name.rpartition("/")[2]
    way = next((way for end, way in _WAYS_OUT.items() if kind.endswith(end)), None)
    if way and way.startswith("delete it") and not directory.exists(name):
        way = None
    other = f", or {way}" if way else ""
    return RunError(
        f"{directory.url}/{name} is damaged ({why.rstrip('.')}). Nothing was sent. Put"
        f" the file back from a backup{other}."
    )
