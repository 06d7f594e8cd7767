"""Reads fault files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from ..errors import InputError
from .faults import Faults

__all__ = ["FaultSource", "load_faults"]

FaultSource = Faults | Mapping[str, Any] | str | Path | None
"""Faults, the same as plain data, or the path of a YAML or JSON file."""


def load_faults(source: FaultSource) -> Faults:
    """Read faults from a YAML or JSON file, or from the same structure in memory.

    Raises:
        InputError: The file cannot be read, or a field is unknown or wrong.
    """
    if isinstance(source, Faults):
        return source
    where = "The faults"
    if isinstance(source, str | Path):
        where = f"Fault file {str(source)!r}"
        try:
            source = yaml.safe_load(Path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as exc:
            raise InputError(f"{where} cannot be read: {exc}") from exc
    try:
        return Faults.model_validate(source or {})
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise InputError(f"{where}: {field}: {first['msg']}.") from exc
