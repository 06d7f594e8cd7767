"""Faults files, options, settings and response models that are almost valid."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from .documents import JSON, TEXT, damaged, edited, json_bytes, rare
from .templates import YAML_SCALARS

__all__ = ["FAULTS", "MODULES", "PARAMS", "PYTHON", "REFERENCES", "VARIABLES"]

_WHEN = {"nth": [1, 2], "first": 1, "every": 2, "probability": 0.5}
_FAULTS: dict[str, Any] = {
    "seed": 1,
    "durations": {"validating": 0.1, "in_progress": 1, "finalizing": 0},
    "limits": {"openai_enqueued_tokens": 9, "release_lag_seconds": 1},
    "models": ["x"],
    "calls": [
        {**_WHEN, "operation": "upload", "do": "status", "status": 503, "code": "x"},
        {"do": "cut", "keep": 0.5, "headers": {"a": "b"}, "details": {"a": "b"}},
        {"do": "slow", "seconds": 1, "retry_after_ms": 1, "should_retry": True},
    ],
    "batches": [
        {
            **_WHEN,
            "provider": "openai",
            "fail": [{"code": "x", "line": 1}],
            "end": "expired",
            "ran": 0.5,
            "lines": {"missing": {"every": 2}, "crlf": True, "end": "none"},
            "answers": [{"every": 2, "status": 500}, {"nth": [1], "kind": "refusal"}],
        }
    ],
}


@st.composite
def _yaml_faults(draw: DrawFn) -> bytes:
    """Write some of a value's scalars as YAML that is none of JSON."""
    text = json.dumps(draw(edited(_FAULTS)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        comma = text.find(", ", at)
        colon = text.rfind(": ", 0, max(comma, 0))
        if colon > 0:
            text = f"{text[: colon + 2]}{draw(YAML_SCALARS)}{text[comma:]}"
    return text.encode("utf-8", "surrogatepass")


FAULTS = damaged(
    edited(_FAULTS).map(json_bytes) | _yaml_faults(), [b"*a", b"&a ", b"<<: ", b"\x00"]
)

PARAMS = st.lists(
    st.builds(
        "{}={}".format,
        st.sampled_from(
            [
                *(
                    "x",
                    "seed",
                    "n",
                    "tools",
                    "max_tokens",
                    "model",
                    "messages",
                    "stream",
                ),
                *(
                    "temperature",
                    "stop",
                    "metadata",
                    "response_format",
                    "input",
                    "system",
                ),
                *("max_completion_tokens", "logit_bias", "thinking", "tool_choice"),
            ]
        )
        | TEXT,
        (JSON.map(json_bytes).map(lambda data: data.decode("utf-8", "replace"))) | TEXT,
    )
    | TEXT,
    max_size=3,
)

PYTHON = st.dictionaries(
    TEXT | st.sampled_from(["seed", "tools"]),
    st.recursive(
        st.sampled_from(
            [
                *(
                    "nan",
                    "inf",
                    "-inf",
                    "deep",
                    "10**30",
                    "2**64",
                    "b'x'",
                    "{1, 2}",
                    "1j",
                ),
                *(
                    "(1, 2)",
                    "{1: 2}",
                    "{None: 1}",
                    "object",
                    "len",
                    "'\\ud800'",
                    "0.1",
                    "[]",
                ),
                *(
                    "{'a': nan}",
                    "[[inf]]",
                    "frozenset()",
                    "range(3)",
                    "bytearray(2)",
                    "...",
                ),
            ]
        ),
        lambda inner: (
            st.builds("[{}]".format, inner) | st.builds("{{'a': {}}}".format, inner)
        ),
        max_leaves=3,
    ),
    max_size=2,
).map(
    lambda pairs: (
        f"{{{', '.join(f'{key!r}: {value}' for key, value in pairs.items())}}}"
    )
)

_FIELDS = st.sampled_from(
    [
        *(
            "str",
            "int",
            "float",
            "bool",
            "None",
            "bytes",
            "object",
            "Any",
            "complex",
            "type",
        ),
        *(
            "date",
            "Decimal",
            "Missing",
            "M",
            "list[M]",
            "dict[str, M]",
            "list[int]",
            "set[int]",
        ),
        *(
            "tuple[int, str]",
            "tuple[int, ...]",
            "dict[int, str]",
            "Literal['a', 1]",
            "Literal[b'x']",
        ),
        *(
            "int | str",
            "M | None",
            "Callable[[], int]",
            "re.Pattern[str]",
            "Enum",
            "E",
            "UUID",
            "Path",
        ),
        *(
            "Annotated[int, Field(le=10**30)]",
            "Annotated[str, Field(pattern='[')]",
            "FrozenSet",
        ),
        *(
            "Annotated[float, Field(ge=float('nan'))]",
            "Annotated[str, Field(pattern='(?<=a)b')]",
        ),
        *(
            "Annotated[int, Field(multiple_of=0)]",
            "Annotated[str, Field(min_length=-1)]",
            "M.a",
            "...",
        ),
        *(
            "Annotated[int, Field(json_schema_extra={'x': object})]",
            "Iterator[int]",
            "SecretStr",
        ),
    ]
)
_DEFAULTS = st.sampled_from(
    [
        "",
        "",
        "",
        " = 1",
        " = None",
        " = object()",
        " = float('inf')",
        " = Field(...)",
        " = Field(default_factory=1/0)",
        " = Field(alias='b')",
        " = '\\ud800'",
    ]
)
_NAMES = st.sampled_from(
    ["a", "b", "c", "_p", "model_config", "json", "copy", "answer"]
)
_HEADERS = st.sampled_from(
    [
        "",
        "",
        "",
        "raise SystemExit(0)",
        "raise KeyboardInterrupt",
        "1/0",
        "import missing",
        "import sys; sys.exit('bye')",
        "raise BaseException('x')",
        "x = ",
        "def f():\nf",
        "\x00",
    ]
)
_BASES = st.sampled_from(
    [
        "BaseModel",
        "BaseModel",
        "BaseModel",
        "RootModel[int]",
        "RootModel[list[int]]",
        "Enum",
        "BaseModel, extra='allow'",
        "BaseModel, frozen=1",
        "str",
        "BaseModel, Generic[T]",
    ]
)


@st.composite
def _modules(draw: DrawFn) -> bytes:
    fields = draw(st.lists(st.tuples(_NAMES, _FIELDS, _DEFAULTS), max_size=3))
    imports = (
        "from __future__ import annotations\nimport re\nfrom collections.abc import *\n"
        "from typing import *\nfrom datetime import date\nfrom decimal import Decimal\n"
        "from enum import Enum\nfrom pathlib import Path\nfrom uuid import UUID\n"
        "from pydantic import *\nT = TypeVar('T')\n"
        "class E(Enum):\n    a = 1\n    b = 'x'\n"
    )
    body = "".join(f"    {name}: {kind}{default}\n" for name, kind, default in fields)
    text = f"{imports}{draw(_HEADERS)}\nclass M({draw(_BASES)}):\n    pass\n{body}"
    return text.encode()


MODULES = damaged(_modules(), [b"\x00", b"\xff", b"\t", b"("])

REFERENCES = rare(
    st.sampled_from(
        [
            *(
                "m.py:M",
                "m.py:E",
                "m.py:date",
                "m.py:",
                ":M",
                "m.py",
                "m:M",
                "missing.py:M",
            ),
            *(
                "rows.csv:M",
                "json:loads",
                "os:path",
                "sys:exit",
                ".:M",
                "..m:M",
                "this:M",
            ),
            *(
                "m.py:M.a",
                "m.py:__name__",
                "/dev/null:M",
                "/proc/self/mem.py:M",
                "x\x01:M",
            ),
            *(
                "/:M",
                "a b:M",
                "antigravity:M",
                "__main__:M",
                "pydantic:BaseModel",
                "1:M",
            ),
            *(
                "/dev/zero.json",
                "s.json",
                ".json",
                "/.json",
                "rows.json",
                "x" * 300 + ":M",
            ),
            *("m.py:" + "x" * 300, "x" * 300 + ".json", "encodings.idna:M", "a..b:M"),
        ]
    ),
    TEXT,
)

VARIABLES = st.dictionaries(
    st.sampled_from(
        [
            *("RUNS_DIR", "POLL_SECONDS", "MAX_POLL_SECONDS", "SETTLE_SECONDS"),
            *("HTTP_TIMEOUT_SECONDS", "UPLOAD_EXPIRES_DAYS", "PATIENCE_SECONDS"),
        ]
    ).map("BATCHWRIGHT_{}".format),
    st.sampled_from(
        ["", "nan", "inf", "-1", "1e999", "x", "0", "9" * 400, "s3://", "://"]
    )
    | TEXT,
    max_size=3,
)
