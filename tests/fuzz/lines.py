"""Inputs, request files, results and records that are almost valid."""

from __future__ import annotations

import gzip
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from .documents import JSON, TEXT, damaged, edited, json_bytes, rare

__all__ = ["CSV", "JSONL", "REQUESTS", "RESULTS", "edited_json"]

_CELLS = TEXT | st.sampled_from(
    ['"', '""', '"x', 'x"y', '"a\nb"', "'", "\\", "\r", "\n", "a;b", "\t", "|", "=1+1"]
)


@st.composite
def _csv(draw: DrawFn) -> bytes:
    delimiter = draw(st.sampled_from(",;\t|"))
    newline = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"]))
    header = draw(rare(st.just(["a", "b", "n"]), st.lists(_CELLS, max_size=4)))
    rows = draw(st.lists(st.lists(_CELLS, min_size=2, max_size=4), max_size=4))
    quoted = draw(st.booleans())

    def cell(text: str) -> str:
        return f'"{text.replace(chr(34), chr(34) * 2)}"' if quoted else text

    lines = [delimiter.join(map(cell, each)) for each in [header, *rows]]
    text = newline.join(lines) + draw(st.sampled_from(["", newline]))
    encoding = draw(
        rare(st.just("utf-8"), st.sampled_from(["utf-8-sig", "utf-16", "latin-1"]))
    )
    return text.encode(encoding, "replace")


def _compressed(data: bytes) -> bytes:
    return gzip.compress(data, 1)


CSV = damaged(_csv(), [b"\x00", b"\xff\xfe", b'"', b"\xef\xbb\xbf", b"\xf0\x9f"])

_ROWS = st.lists(
    rare(
        st.dictionaries(st.sampled_from("abn") | TEXT, JSON, max_size=4),
        JSON,
        one_in=12,
    ).map(json_bytes),
    max_size=4,
)
JSONL = damaged(
    _ROWS.map(b"\n".join), [b"\n", b"\x00", b"\xff", b"\r", b"\xef\xbb\xbf"]
)

_USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
_CHAT = {
    "id": "batch_req_1",
    "custom_id": "row-000000000",
    "response": {
        "status_code": 200,
        "request_id": "r",
        "body": {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-5-mini",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": '{"a": "x", "n": 1}'},
                    "finish_reason": "stop",
                }
            ],
            "usage": {**_USAGE, "prompt_tokens_details": {"cached_tokens": 1}},
        },
    },
    "error": None,
}
_FAILED = {"custom_id": "r1", "response": None, "error": {"code": "x", "message": "m"}}
_RESPONSES = {
    "custom_id": "r2",
    "response": {
        "status_code": 200,
        "body": {
            "object": "response",
            "model": "gpt-5-mini",
            "status": "completed",
            "output": [
                {"type": "message", "content": [{"type": "output_text", "text": "{}"}]}
            ],
            "usage": {"input_tokens": 9, "output_tokens": 3},
        },
    },
    "error": None,
}
_EMBEDDING = {
    "custom_id": "r3",
    "response": {
        "status_code": 200,
        "body": {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1]}],
            "model": "text-embedding-3-small",
            "usage": {"prompt_tokens": 2, "total_tokens": 2},
        },
    },
    "error": None,
}
_MESSAGE = {
    "custom_id": "r4",
    "result": {
        "type": "succeeded",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5",
            "content": [
                {"type": "text", "text": "{}"},
                {"type": "tool_use", "id": "t", "name": "answer", "input": {"a": "x"}},
            ],
            "stop_reason": "end_turn",
            "usage": {
                "input_tokens": 9,
                "output_tokens": 3,
                "cache_creation_input_tokens": 1,
                "cache_read_input_tokens": 0,
            },
        },
    },
}
_ERRORED = {
    "custom_id": "r5",
    "result": {"type": "errored", "error": {"type": "error", "error": {"type": "x"}}},
}

_BODY = {
    "model": "gpt-5-mini",
    "messages": [
        {"role": "system", "content": "x"},
        {"role": "user", "content": [{"type": "text", "text": "x"}]},
    ],
    "response_format": {
        "type": "json_schema",
        "json_schema": {
            "name": "answer",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": ["a"],
                "additionalProperties": False,
            },
        },
    },
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "max_completion_tokens": 9,
    "temperature": 1,
    "stop": ["x"],
    "metadata": {"a": "b"},
    "logit_bias": {"1": 1},
    "n": 1,
}
_REQUEST = {
    "custom_id": "a",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": _BODY,
}
_INPUTS = {
    "custom_id": "b",
    "method": "POST",
    "url": "/v1/responses",
    "body": {
        "model": "gpt-5-mini",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}],
        "text": {"format": {"type": "json_schema", "name": "a", "schema": {}}},
        "reasoning": {"effort": "low"},
        "max_output_tokens": 9,
    },
}
_EMBED = {
    "custom_id": "c",
    "method": "POST",
    "url": "/v1/embeddings",
    "body": {"model": "text-embedding-3-small", "input": ["x", "y"], "dimensions": 9},
}
_PARAMS = {
    "custom_id": "d",
    "params": {
        "model": "claude-sonnet-4-5",
        "max_tokens": 9,
        "system": [
            {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
        ],
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"name": "answer", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "answer"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "stop_sequences": ["x"],
        "temperature": 1,
        "metadata": {"user_id": "x"},
    },
}


def edited_json(*values: Any) -> SearchStrategy[bytes]:
    """Return one of these JSON values, with a few places changed."""
    return st.sampled_from(values).flatmap(edited).map(json_bytes)


def _lines(*values: Any) -> SearchStrategy[bytes]:
    line = edited_json(*values)
    return damaged(
        st.lists(line, min_size=1, max_size=3).map(b"\n".join),
        [b"\n", b"\x00", b"\xff", b"\r", b"\xef\xbb\xbf", b"}", b'"'],
    )


RESULTS = _lines(_CHAT, _FAILED, _RESPONSES, _EMBEDDING, _MESSAGE, _ERRORED)
REQUESTS = _lines(_REQUEST, _INPUTS, _EMBED, _PARAMS)
