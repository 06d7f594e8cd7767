"""Between a Pydantic class and the text that names it."""

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

__all__ = ["import_model", "portable_model"]

_OURS = "_batchwright_"
"""Begins the names of modules that are loaded from a path here."""

_LOADING = threading.RLock()
"""Held while a file is run, so that tasks of one flow share its classes."""


def portable_model(value: Any) -> Any:
    """Turn a class into an import string, or a JSON Schema where it has none.

    A class of a script becomes `path/to/script.py:Class`. One that cannot be
    imported (made in a function, in a notebook) loses its own validators.
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
    return value.model_json_schema(by_alias=True, mode="validation")


def import_model(text: str) -> type[BaseModel]:
    """Import `package.module:Class` or `path/to/file.py:Class`.

    Raises:
        InputError: There is no such module, file or class, or it does not load.
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
    except Exception as exc:  # the user's own module runs here
        raise InputError(
            f"The response model {text!r} cannot be loaded:"
            f" {type(exc).__name__}: {exc}."
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
    # A class of a module that the user imported must stay the same class. Other
    # threads may import meanwhile.
    for name, module in sys.modules.copy().items():
        if getattr(module, "__file__", None) == str(path) and not name.startswith(
            _OURS
        ):
            return module
    with _LOADING:
        return _load(path, path.stat().st_mtime_ns)


@lru_cache
def _load(path: Path, modified_ns: int) -> ModuleType:
    """Run the file as a module of its own; an edited file is run again."""
    name = f"{_OURS}{path.stem}_{abs(hash((path, modified_ns))):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} cannot be loaded as Python.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # forward references are looked up there
    try:
        with _on_path(path.parent):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _on_path(folder: Path) -> Iterator[None]:
    """Let modules beside the file be found, after all others."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
