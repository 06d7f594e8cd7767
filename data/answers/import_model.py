"""From a Pydantic class to the text that names it, and back."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from ...errors import InputError
from .user_code import said_by

__all__ = ["import_model", "portable_model"]

_OURS = "_batchwright_"
"""Prefix for the names of modules that are loaded from a path."""

_LOADING = threading.RLock()
"""Lets one thread at a time load a file, so that all get the same classes."""


def portable_model(value: Any) -> Any:
    """Return the import string of a class, or its JSON Schema if it has none.

    A class of a script becomes `path/to/script.py:Class`. A class that cannot be
    imported (defined in a function or a notebook) loses its own validators.
    """
    if not (isinstance(value, type) and issubclass(value, BaseModel)):
        return value
    name = value.__qualname__
    module = sys.modules.get(value.__module__)
    if module is not None and "." not in name and getattr(module, name, None) is value:
        if _is_importable(module):
            return f"{module.__name__}:{name}"
        file = getattr(module, "__file__", None)
        if file is not None and Path(file).is_file():
            return f"{Path(file).absolute()}:{name}"
    return value.model_json_schema()


def import_model(text: str) -> type[BaseModel]:
    """Import `package.module:Class` or `path/to/file.py:Class`.

    Raises:
        InputError: There is no such module, file or class, or loading it fails.
    """
    source, colon, name = text.rpartition(":")
    if not colon or not source or not name:
        raise InputError(
            f"The response model {text!r} must be `package.module:Class`,"
            " `path/to/file.py:Class`, or the path of a JSON Schema (.json)."
        )
    path = Path(source)
    try:
        module = _from_file(path) if source.endswith(".py") else _from_name(source)
    except InputError:
        raise
    except BaseException as exc:  # the user's own module runs here
        said = said_by(exc).rstrip(".")
        raise InputError(
            f"The response model {text!r} cannot be loaded: {said}."
        ) from exc
    found = getattr(module, name, None)
    if not isinstance(found, type) or not issubclass(found, BaseModel):
        what = "is no Pydantic class" if found is not None else "does not exist"
        raise InputError(f"The response model {text!r} {what} in {source}.")
    return found


def _is_importable(module: ModuleType) -> bool:
    if module.__name__ == "__main__":
        return False
    try:
        return importlib.util.find_spec(module.__name__) is not None
    except (ImportError, ValueError):
        return False


def _from_name(name: str) -> ModuleType:
    with _on_path(Path.cwd()):
        return importlib.import_module(name)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"There is no file {path} with a response model.")
    path = path.resolve()
    main = sys.modules.get("__main__")
    running = getattr(main, "__file__", None)
    if main is not None and running and Path(running).resolve() == path:
        return main
    # A module that the user imported is not loaded again, which would make other
    # classes of it. A copy, because other threads may import meanwhile.
    for name, module in sys.modules.copy().items():
        if getattr(module, "__file__", None) == str(path) and not name.startswith(
            _OURS
        ):
            return module
    with _LOADING:
        return _load(path, path.stat().st_mtime_ns)


@lru_cache
def _load(path: Path, modified_ns: int) -> ModuleType:
    """Load the file as a module; a file that was edited is loaded again."""
    name = f"{_OURS}{path.stem}_{abs(hash((path, modified_ns))):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be loaded as Python.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Pydantic looks up forward references there
    try:
        with _on_path(path.parent):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Let imports find modules in the folder, after all others."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
