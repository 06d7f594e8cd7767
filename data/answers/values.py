"""The values of validated answers, as JSON values.

A table holds what was validated. How the class would show it to others (serializers,
masks, excluded fields) is left out, except where a value has no form in JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import (
    CoreSchema,
    PydanticSerializationError,
    SchemaSerializer,
    to_jsonable_python,
)
from pydantic_core import core_schema as core

from ...errors import InputError

__all__ = ["Values"]

_Node = dict[str, Any]

_NO_SCHEMAS = frozenset({"cls", "default", "expected", "members", "metadata"})
"""Keys of a core schema that hold no schemas."""
_SHOWING = frozenset({"format", "function-plain", "function-wrap"})
_SHOWING |= {"include-exclude-dict", "include-exclude-sequence"}
_VALIDATORS = {f"function-{when}" for when in ("after", "before", "plain", "wrap")}
_WHOLE = frozenset({"dataclass", "model", "typed-dict"})
"""Types whose values are objects."""
_FIELDS = frozenset({"dataclass-args", "model-fields", "typed-dict"})


class Values:
    """Turns instances of a class into JSON values."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.schema: CoreSchema = _plain(TypeAdapter(model).core_schema)
        """The core schema of the class, without what only shows its values."""
        # Else an infinite number would become null, and a class use its own serializer.
        self._dump = SchemaSerializer(
            core.list_schema(self.schema),
            core.CoreConfig(ser_json_inf_nan="constants"),
            _use_prebuilt=False,
        ).to_python
        self._name = model.__name__
        fields, config = _root(self.schema)
        by_alias = config.get("serialize_by_alias", False)
        self.names = {
            _wire_name(name, field, config): _dumped_name(
                name, field, by_alias=by_alias
            )
            for name, field in _named(fields).items()
        }
        """The key of a field's value, by its name in the JSON Schema that is sent."""
        self.computed = {
            each["property_name"]: _dumped_name(
                each["property_name"], each, by_alias=by_alias
            )
            for each in fields.get("computed_fields", ())
        }
        """The key of a computed field's value, by the field's name."""
        extra = config.get("extra_fields_behavior")
        self.is_open = fields.get("extra_behavior", extra) == "allow" or not self.names
        """Whether there are values of other names than these."""
        self.json_schema = GenerateJsonSchema(by_alias=by_alias).generate(
            self.schema, "serialization"
        )
        """Of the values, by their keys."""
        self.has_validators = _has_validators(self.schema)
        """Whether code validates values, beside what the JSON Schema says."""

    def many(self, instances: Sequence[Any]) -> list[Any]:
        """Return the values of instances; None stays None.

        Raises:
            BaseException: Code of the user's raised it, for one of them.
        """
        return self._dump(instances, mode="json", warnings=False)  # type: ignore[no-any-return]

    def one(self, instance: Any) -> Any:
        """Return the values of an instance, also where `many` raises.

        Raises:
            BaseException: Code of the user's raised it.
        """
        try:
            return self.many([instance])[0]
        except (PydanticSerializationError, UnicodeDecodeError):
            (python,) = self._dump([instance], mode="python", warnings=False)
            return _jsonable(python, fallback=str)

    def refuse_unfilled(self, asked: Iterable[str]) -> None:
        """Refuse a class with fields that an answer cannot fill.

        Args:
            asked: Names that answers are asked for by; none if they are no objects.

        Raises:
            InputError: It names the field and the way out.
        """
        for name in asked:
            if name in self.computed:
                raise InputError(
                    f"The response model has a computed field {name!r}, and another is"
                    " asked for by that name: rename one of them."
                )
            if name not in self.names and not self.is_open:
                raise InputError(
                    f"The JSON Schema of the response model asks for {name!r}, but the"
                    " class has no such field: add it."
                )
        for node, config in _containers(self.schema, {}):
            taken: dict[str, str] = {}
            for name, field in _named(node).items():
                wire = _wire_name(name, field, config)
                owner = f"Field `{name}` of {node.get('model_name', self._name)!r}"
                if wire == name and not _reads_name(name, field, config):
                    raise InputError(
                        f"{owner} is read from a place inside another field"
                        " (AliasPath), for which an answer cannot be asked: give it a"
                        " plain alias, or none."
                    )
                if wire in taken:
                    raise InputError(
                        f"{owner} and `{taken[wire]}` are both read from {wire!r}: give"
                        " them different aliases."
                    )
                taken[wire] = name


_jsonable = partial(to_jsonable_python, bytes_mode="base64", inf_nan_mode="constants")


def _plain(part: Any) -> Any:
    """Return a core schema without serializers of the user's, and with all fields."""
    if isinstance(part, list | tuple):
        return type(part)(map(_plain, part))
    if not isinstance(part, dict):
        return part
    if not _is_node(part):
        return {key: _plain(value) for key, value in part.items()}
    node: _Node = {
        key: value if key in _NO_SCHEMAS else _plain(value)
        for key, value in part.items()
        if key not in {"serialization_exclude", "serialization_exclude_if"}
    }
    shown = node.pop("serialization", None)
    if shown is not None and (kept := _kept(shown, node)) is not None:
        node["serialization"] = kept
    return node


def _kept(shown: _Node, node: _Node) -> Any:
    """Return what remains of a serializer; None: nothing."""
    if shown["type"] not in _SHOWING:
        return shown
    function: Any = shown.get("function")
    if str(getattr(function, "__module__", "")).partition(".")[0] == "pydantic":
        return _REVEALED if "secret" in function.__name__ else shown
    if function is None or node["type"] in _WHOLE:
        return None
    return _last_resort(shown)


def _last_resort(shown: _Node) -> Any:
    """Return a serializer that is used for values which JSON has no form for."""
    function = shown["function"]
    takes_handler = shown["type"] == "function-wrap"
    takes_info = shown.get("info_arg", False)

    def write(*arguments: Any) -> Any:
        *given, handler, info = arguments
        try:
            value = handler(given[-1])
            return value if info.mode == "json" else _jsonable(value)
        except PydanticSerializationError:
            more = [handler] * takes_handler + [info] * takes_info
            return function(*given, *more)

    return core.wrap_serializer_function_ser_schema(
        write,
        is_field_serializer=shown.get("is_field_serializer"),
        info_arg=True,
    )


_REVEALED = core.plain_serializer_function_ser_schema(
    lambda secret: secret.get_secret_value()
)


def _is_node(part: _Node) -> bool:
    """Whether a dictionary is a schema, and not a mapping of names to schemas."""
    return isinstance(part.get("type"), str)


def _has_validators(part: Any) -> bool:
    if isinstance(part, list | tuple):
        return any(map(_has_validators, part))
    if not isinstance(part, dict):
        return False
    if _is_node(part) and (part["type"] in _VALIDATORS or part.get("post_init")):
        return True
    skipped = {*_NO_SCHEMAS, "serialization"} if _is_node(part) else ()
    return any(_has_validators(part[key]) for key in part if key not in skipped)


def _root(node: _Node) -> tuple[_Node, Mapping[str, Any]]:
    """Return the fields of a class whose core schema this is, and its configuration."""
    config: Mapping[str, Any] = {}
    definitions: dict[str, _Node] = {}
    while node["type"] not in _FIELDS:
        for each in node.get("definitions", ()):
            definitions[each["ref"]] = each
        config = node.get("config", config)
        inner = node.get("schema") or definitions.get(node.get("schema_ref", ""))
        if inner is None:
            return {}, config
        node = inner
    return node, node.get("config", config)


def _containers(
    part: Any, config: Mapping[str, Any]
) -> Iterator[tuple[_Node, Mapping[str, Any]]]:
    """Yield everything in a core schema that has fields, with its configuration."""
    if isinstance(part, list | tuple):
        for each in part:
            yield from _containers(each, config)
    elif isinstance(part, dict):
        is_node = _is_node(part)
        if is_node:
            config = part.get("config", config)
            if part["type"] in _FIELDS:
                yield part, config
        for key, value in part.items():
            if not (is_node and key in _NO_SCHEMAS):
                yield from _containers(value, config)


def _named(node: _Node) -> dict[str, _Node]:
    fields = node.get("fields", {})
    if isinstance(fields, list):
        return {field["name"]: field for field in fields}
    return dict(fields)


def _aliases(field: _Node) -> list[list[Any]]:
    """Return the paths that a field is read from; none where it has no alias."""
    alias = field.get("validation_alias", [])
    if isinstance(alias, str):
        return [[alias]]
    return alias if alias and isinstance(alias[0], list) else [alias] if alias else []


def _reads_name(name: str, field: _Node, config: Mapping[str, Any]) -> bool:
    aliases = _aliases(field)
    return not aliases or [name] in aliases or bool(config.get("validate_by_name"))


def _wire_name(name: str, field: _Node, config: Mapping[str, Any]) -> str:
    """Return the property that a field is in the JSON Schema of its class."""
    if not config.get("validate_by_alias", True):
        return name
    return next((path[0] for path in _aliases(field) if len(path) == 1), name)


def _dumped_name(name: str, field: _Node, *, by_alias: bool) -> str:
    alias = field.get("serialization_alias") or field.get("alias")
    return str(alias) if by_alias and alias else name
