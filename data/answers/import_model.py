"""From a Pydantic class to the text that names it, and back."""

from __future__ import annotations

import importlib
import importlib.util
import json
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
from ..files import size_and_digest
from .user_code import said_by

__all__ = [
    "changed_model",
    "class_of",
    "import_model",
    "model_file",
    "portable_model",
]

_OURS = "_batchwright_"
"""Prefix for the names of modules that are loaded from a path."""

_classes: dict[str, type[BaseModel]] = {}

_LOADING = threading.RLock()
"""Lets one thread at a time load a file, so that all get the same classes."""


def portable_model(value: Any) -> Any:
    """Return the import string of a class, or its JSON Schema if it has none.

    A class of a script becomes `path/to/script.py:Class`. One that cannot be imported
    (defined in a function or a notebook) is remembered for `class_of`; another process
    knows the schema alone, without the class's own validators.
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
    schema = value.model_json_schema()
    _classes[_key(schema)] = value
    return schema


def class_of(schema: dict[str, Any]) -> type[BaseModel] | None:
    """Return the class that this process last made this JSON Schema of, if any."""
    return _classes.get(_key(schema)) if _classes else None


def _key(schema: dict[str, Any]) -> str:
    return json.dumps(schema, sort_keys=True)


def import_model(text: str, digest: str | None = None) -> type[BaseModel]:
    """Import `package.module:Class` or `path/to/file.py:Class`.

    Args:
        text: The class.
        digest: SHA-256 that its file must have. A module that is loaded already is
            not compared: its code has run.

    Raises:
        InputError: There is no such module, file or class, it is another file, or
            loading it fails.
    """
    source, name = _split(text)
    module = _loaded(source)
    if module is None:
        file = model_file(text)
        if digest and file and size_and_digest(str(file))[1] != digest:
            raise changed_model(text)
        try:
            module = _from_file(source) if _is_path(source) else _from_name(source)
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


def changed_model(text: str) -> InputError:
    """Return the error about a class that is not what it was."""
    return InputError(
        f"The response model {text!r} has changed since the requests were made; restore"
        " it, or parse with it as it is now, or with another, by `batchwright resume"
        " RUN_DIR --response-model ...`."
    )


def model_file(text: str) -> Path | None:
    """Return the file in which a class is; None if there is none. Runs no code."""
    source, _ = _split(text)
    if _is_path(source):
        file: str | None = source
    elif source in sys.modules:
        file = getattr(sys.modules[source], "__file__", None)
    else:
        with _on_path(Path.cwd()):
            file = _origin(source)
    return Path(file).resolve() if file and Path(file).is_file() else None


def _origin(name: str) -> str | None:
    """Return the file of a module that is not loaded, and load no package above it."""
    path: Any = None
    origin = None
    for dot in [*(n for n, char in enumerate(name) if char == "."), len(name)]:
        specs = (finder.find_spec(name[:dot], path) for finder in sys.meta_path)
        spec = next(filter(None, specs), None)
        if spec is None:
            return None
        path, origin = spec.submodule_search_locations, spec.origin
    return origin


def _split(text: str) -> tuple[str, str]:
    source, colon, name = text.rpartition(":")
    if not colon or not source or not name or "\0" in source:
        raise InputError(
            f"The response model {text!r} must be `package.module:Class`,"
            " `path/to/file.py:Class`, or the path of a JSON Schema (.json)."
        )
    return source, name


def _is_path(source: str) -> bool:
    return source.endswith(".py")


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


def _loaded(source: str) -> ModuleType | None:
    """Return the module that the user runs or has imported; None if there is none.

    To load it again would make other classes of it.
    """
    if not _is_path(source):
        return sys.modules.get(source)
    path = Path(source).resolve()
    main = sys.modules.get("__main__")
    running = getattr(main, "__file__", None)
    if main is not None and running and Path(running).resolve() == path:
        return main
    # A copy, because other threads may import meanwhile.
    for name, module in sys.modules.copy().items():
        if getattr(module, "__file__", None) == str(path) and not name.startswith(
            _OURS
        ):
            return module
    return None


def _from_file(source: str) -> ModuleType:
    path = Path(source).resolve()
    if not path.is_file():
        raise InputError(f"There is no file {source} with a response model.")
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
