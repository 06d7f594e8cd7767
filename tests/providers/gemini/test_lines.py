"""Gemini's request lines, how they are checked, and its result lines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.genai import batches
from hypothesis import given, settings
from hypothesis import strategies as st

from batchwright.errors import InputError, SchemaError
from batchwright.models import Mode, Outcome, RequestTemplate, Usage
from batchwright.providers.base import WARNING
from batchwright.providers.gemini.decode import REFUSALS, decode_line
from batchwright.providers.gemini.format import GeminiFormat
from batchwright.providers.gemini.members import CONFIG, EMBEDDING, REQUEST
from batchwright.providers.gemini.plain import decode_plain
from batchwright.sandbox.answers.answer import Question
from batchwright.sandbox.gemini.requests import read_request

MODEL = "gemini-2.5-flash"
FORMAT = GeminiFormat()
USER = {"role": "user", "content": "Hi."}
CONTENT = {"role": "user", "parts": [{"text": "Hi."}]}
PNG = "data:image/png;base64,iVBORw0="
PDF = "data:application/pdf;base64,JVBERi0="
SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["a", "b"], "pattern": "^[ab]$"},
        "score": {"type": "number", "minimum": 0, "maximum": 1},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        "notes": {"type": "object", "additionalProperties": {"type": "string"}},
        "at": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    },
    "required": ["label", "score", "notes"],
}
RECURSIVE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"inner": {"$ref": "#/$defs/Node"}},
        }
    },
}


def request(*messages: Any, **facts: Any) -> dict[str, Any]:
    """Return the request that is made of messages."""
    given = {"model": MODEL, "endpoint": "/v1/generateContent", **facts}
    line = FORMAT.encoder(RequestTemplate(**given))("row-1", messages or (USER,))
    found = orjson.loads(line)
    assert FORMAT.check(line) == ("row-1", given["model"], [])
    assert found.pop("key") == "row-1"
    if "content" not in found["request"]:
        assert isinstance(read_request(found["request"]), Question)
    body: dict[str, Any] = found["request"]
    return body


@pytest.mark.parametrize(
    ("messages", "facts", "expected"),
    [
        ([USER], {}, {"contents": [CONTENT]}),
        (
            [{"role": "system", "content": "Row."}, USER],
            {"system": "All."},
            {
                "systemInstruction": {"parts": [{"text": "All."}, {"text": "Row."}]},
                "contents": [CONTENT],
            },
        ),
        ([{"role": "system", "content": "Hi."}], {}, {"contents": [CONTENT]}),
        (
            [USER, {"role": "assistant", "content": "Yes."}],
            {},
            {"contents": [CONTENT, {"role": "model", "parts": [{"text": "Yes."}]}]},
        ),
        (
            [USER],
            {"max_tokens": 9, "temperature": 0.5, "params": {"safety_settings": []}},
            {
                "generationConfig": {"maxOutputTokens": 9, "temperature": 0.5},
                "safetySettings": [],
                "contents": [CONTENT],
            },
        ),
        (
            [USER],
            {"params": {"generation_config": {"thinking_config": {"a": 0}}}},
            {
                "generationConfig": {"thinkingConfig": {"a": 0}},
                "contents": [CONTENT],
            },
        ),
        (
            [USER],
            {"params": {"tools": [{"googleSearch": {}}]}},
            {"tools": [{"googleSearch": {}}], "contents": [CONTENT]},
        ),
    ],
    ids=["text", "system", "alone", "turns", "limits", "thinking", "tools"],
)
def test_requests(messages: Any, facts: Any, expected: dict[str, Any]) -> None:
    """Messages, system texts and parameters become Gemini's members."""
    found = request(*messages, **facts)
    assert found.pop("model") == f"models/{MODEL}"
    assert found == {"generationConfig": {}, **expected}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "a"}, {"text": "a"}),
        (
            {"type": "image_url", "image_url": {"url": PNG}},
            {"inlineData": {"mimeType": "image/png", "data": "iVBORw0="}},
        ),
        (
            {"type": "file", "file": {"file_data": PDF, "filename": "a.pdf"}},
            {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0="}},
        ),
        (
            {"type": "image_url", "image_url": {"url": "https://a.example/b.png?c"}},
            {
                "fileData": {
                    "fileUri": "https://a.example/b.png?c",
                    "mimeType": "image/png",
                }
            },
        ),
        ({"fileData": {"fileUri": "files/a"}}, {"fileData": {"fileUri": "files/a"}}),
    ],
    ids=["text", "image", "pdf", "link", "native"],
)
def test_parts(part: Any, expected: Any) -> None:
    """Each part of a message has its form; Gemini's own parts stay."""
    found = request({"role": "user", "content": [part]})
    assert found["contents"] == [{"role": "user", "parts": [expected]}]


@pytest.mark.parametrize(
    "message",
    [
        {"role": "user"},
        {"role": "user", "content": None},
        {"role": "user", "content": [{"type": "input_audio"}]},
        {"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
    ],
)
def test_messages_that_cannot_be_sent(message: Any) -> None:
    """A row whose messages have no form here is named in the error."""
    encode = FORMAT.encoder(
        RequestTemplate(model=MODEL, endpoint="/v1/generateContent")
    )
    with pytest.raises(InputError, match=r"Request 'row-7' cannot be sent"):
        encode("row-7", [message])


def test_an_answer_schema_is_in_gemini_s_dialect() -> None:
    """What Gemini enforces stays, the rest is described, maps become lists."""
    config = request(answer_schema=SCHEMA)["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    schema = config["responseJsonSchema"]
    label, score = schema["properties"]["label"], schema["properties"]["score"]
    assert label == {
        "type": "string",
        "enum": ["a", "b"],
        "description": "Must hold: pattern ^[ab]$.",
    }
    assert score == {"type": "number", "minimum": 0, "maximum": 1}
    assert schema["properties"]["tags"]["maxItems"] == 3
    assert schema["properties"]["notes"]["type"] == "array"
    assert schema["required"] == ["label", "score", "notes"]
    answer = {"label": "a", "score": 1, "notes": [{"key": "k", "value": "v"}]}
    assert FORMAT.restore(SCHEMA, answer)["notes"] == {"k": "v"}


def test_a_tool_is_forced() -> None:
    """In tools mode the answer is the arguments of one function, beside others."""
    found = request(
        answer_schema=SCHEMA,
        answer_name="Label",
        mode="tools",
        params={"tools": [{"codeExecution": {}}]},
    )
    choice = {"mode": "ANY", "allowedFunctionNames": ["Label"]}
    assert found["toolConfig"] == {"functionCallingConfig": choice}
    ours, theirs = found["tools"]
    assert theirs == {"codeExecution": {}}
    assert ours["functionDeclarations"][0]["name"] == "Label"
    assert "responseJsonSchema" not in found["generationConfig"]


@pytest.mark.parametrize("mode", ["auto", "tools"])
def test_a_schema_that_contains_itself(mode: Mode) -> None:
    """It cannot be enforced; a tool shows it to the model all the same."""
    if mode == "auto":
        with pytest.raises(SchemaError, match="contains itself"):
            request(answer_schema=RECURSIVE)
    else:
        tool = request(answer_schema=RECURSIVE, mode=mode)["tools"][0]
        assert "$ref" in str(tool)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"params": {"contents": []}}, "`--param contents` cannot be set"),
        ({"params": {"system_instruction": {}}}, "systemInstruction` cannot be set"),
        (
            {"params": {"generation_config": {"max_output_tokens": 9}}},
            "use `--max-tokens`",
        ),
        ({"params": {"generationConfig": {"candidateCount": 2}}}, "repeat the rows"),
        (
            {
                "params": {"generationConfig": {"responseSchema": {}}},
                "answer_schema": SCHEMA,
            },
            "beside a response model",
        ),
        ({"params": {"generationConfig": {"topP": 2}}}, "must be from 0 to 1"),
        ({"endpoint": "/v1/messages"}, "no endpoint"),
        ({"endpoint": "/v1/embeddings", "max_tokens": 9}, "An embedding has no text"),
        ({"endpoint": "/v1/embeddings", "system": "S"}, "no system text"),
    ],
)
def test_jobs_that_no_request_can_be_made_of(facts: Any, said: str) -> None:
    """What cannot be set is said before the first row is encoded."""
    given = {"model": MODEL, "endpoint": "/v1/generateContent", **facts}
    with pytest.raises(InputError, match=said):
        FORMAT.encoder(RequestTemplate(**given))


def test_embeddings() -> None:
    """A request for an embedding holds one content, and is never asked again."""
    model = "gemini-embedding-001"
    params = {"output_dimensionality": 64, "taskType": "CLUSTERING"}
    facts = {"model": model, "endpoint": "/v1/embeddings", "params": params}
    assert request(**facts) == {
        "model": f"models/{model}",
        "outputDimensionality": 64,
        "taskType": "CLUSTERING",
        "content": {"parts": [{"text": "Hi."}]},
    }
    line = FORMAT.encoder(RequestTemplate(**facts))("row-1", [USER])
    assert FORMAT.endpoint(line) == "/v1/embeddings"
    with pytest.raises(InputError, match="in other words"):
        FORMAT.extend(line, "row-2", [USER])


GOOD = {"model": "models/gemini-x", "contents": [CONTENT]}


@pytest.mark.parametrize(
    ("line", "params"),
    [
        ({"key": "a", "request": GOOD}, []),
        ({"key": "", "request": GOOD}, ["key"]),
        ({"key": 7, "request": GOOD}, ["key"]),
        ({"key": "a", "request": GOOD, "custom_id": "b"}, ["custom_id"]),
        ({"key": "a"}, ["request"]),
        ({"key": "a", "request": {"contents": [CONTENT]}}, ["request.model"]),
        ({"key": "a", "request": {"model": "m"}}, ["request.contents"]),
        ({"key": "a", "request": {**GOOD, "contents": []}}, ["request.contents"]),
        (
            {"key": "a", "request": {**GOOD, "contents": [{"role": "assistant"}]}},
            ["request.contents[0].role", "request.contents[0].parts"],
        ),
        (
            {"key": "a", "request": {**GOOD, "generation_config": {"top_p": 3}}},
            ["request.generationConfig.topP"],
        ),
        (
            {"key": "a", "request": {**GOOD, "generationConfig": {"temperature": "x"}}},
            ["request.generationConfig.temperature"],
        ),
        (
            {"key": "a", "request": {"model": "m", "content": {}}},
            ["request.content.parts"],
        ),
    ],
)
def test_check(line: dict[str, Any], params: list[str]) -> None:
    """Every problem of a line names the member that it is about."""
    problems = FORMAT.check(orjson.dumps(line))[2]
    assert [problem.param for problem in problems] == params
    assert all(each.message.startswith("This line is wrong: ") for each in problems)


@pytest.mark.parametrize("where", [{"topics": 1}, {"generationConfig": {"topics": 1}}])
def test_what_is_not_known_is_a_warning(where: dict[str, Any]) -> None:
    """A member that came after this version is sent all the same."""
    line = orjson.dumps({"key": "a", "request": {**GOOD, **where}})
    assert [problem.code for problem in FORMAT.check(line)[2]] == [WARNING]


def test_members_are_those_of_the_sdk() -> None:
    """Each member that google-genai can send to this API is known."""
    text = Path(batches.__file__).read_text("utf-8")
    body = text.partition("def _GenerateContentConfig_to_mldev")[2]
    body = body.partition("\ndef ")[0]
    found = re.findall(r"setv\(\s*(\w+),\s*\['(\w+)'", body)
    inside = {name for where, name in found if where == "to_object"}
    assert len(inside) > 20
    assert inside <= CONFIG
    assert {name for _, name in found} - inside <= REQUEST
    assert {"taskType", "title", "outputDimensionality"} <= EMBEDDING


def answer(*parts: Any, reason: Any = "STOP", usage: Any = None, **more: Any) -> bytes:
    """Return a result line."""
    counts = (
        {"promptTokenCount": 9, "candidatesTokenCount": 2} if usage is None else usage
    )
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": reason}
    response = {"candidates": [candidate], "usageMetadata": counts, **more}
    line = {"key": "r", "response": {**response, "modelVersion": "m"}}
    return json.dumps(line, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"promptTokenCount": 9, "candidatesTokenCount": 2}, Usage(9, 2)),
        (
            {
                "promptTokenCount": 9,
                "candidatesTokenCount": 2,
                "thoughtsTokenCount": 5,
                "cachedContentTokenCount": 4,
                "toolUsePromptTokenCount": 3,
                "totalTokenCount": 19,
            },
            Usage(12, 7, 4),
        ),
        (
            {"promptTokenCount": 9, "thoughtsTokenCount": 5, "totalTokenCount": 14},
            Usage(9, 5),
        ),
        ({"promptTokenCount": 9, "totalTokenCount": 11}, Usage(9, 2)),
        ({"promptTokenCount": 9}, None),
        ({"promptTokenCount": 9, "totalTokenCount": 3}, None),
        ({"promptTokenCount": "9", "candidatesTokenCount": 2}, None),
        ({"promptTokenCount": 9, "candidatesTokenCount": -2}, None),
        (
            {
                "promptTokenCount": 9,
                "candidatesTokenCount": 2,
                "cachedContentTokenCount": 10,
            },
            None,
        ),
        ([], None),
    ],
)
def test_usage(usage: Any, expected: Usage | None) -> None:
    """Thinking is billed as output, and a count that is not known is not guessed."""
    line = answer({"text": "Hi"}, usage=usage)
    assert FORMAT.decode(line).usage == decode_line(line).usage == expected


@pytest.mark.parametrize(
    ("line", "outcome", "text"),
    [
        (answer({"text": "a"}, {"text": "b"}), "succeeded", "ab"),
        (answer({"text": "Hm", "thought": True}, {"text": "b"}), "succeeded", "b"),
        (answer({"text": "b", "thoughtSignature": "x"}), "succeeded", "b"),
        (
            answer({"functionCall": {"name": "n", "args": {"a": 2**70}}}),
            "succeeded",
            f'{{"a":{2**70}}}',
        ),
        (answer({"functionCall": {"name": "n"}}), "succeeded", "{}"),
        (answer({"text": "a"}, reason=None), "succeeded", "a"),
        (answer({"text": "a"}, reason="MAX_TOKENS"), "truncated", "a"),
        (answer(reason="MAX_TOKENS"), "truncated", None),
        (answer(reason="STOP"), "invalid", None),
        (answer({"text": "Hm", "thought": True}), "invalid", None),
        (answer(reason="UNEXPECTED_TOOL_CALL"), "invalid", None),
        (answer({"text": "a"}, reason="SOMETHING_NEW"), "invalid", "a"),
        (answer(reason="OTHER"), "errored", None),
        *((answer(reason=reason), "refused", None) for reason in sorted(REFUSALS)),
        (answer(candidates=[]), "invalid", None),
        (
            answer(candidates=[], promptFeedback={"blockReason": "OTHER"}),
            "refused",
            None,
        ),
    ],
)
def test_answers(line: bytes, outcome: str, text: str | None) -> None:
    """What became of a request follows from why the answer ended."""
    result = FORMAT.decode(line)
    assert (result.outcome, result.text) == (outcome, text)
    assert result.usage == Usage(9, 2)
    assert result.model == "m"


@pytest.mark.parametrize(
    ("error", "outcome", "retryable", "said"),
    [
        ({"code": 3, "message": "Bad."}, "errored", False, "Bad."),
        ({"code": 13, "message": "Oh."}, "errored", True, "Oh."),
        ({"code": 8}, "errored", True, "code 8 without a message"),
        (
            {"code": 400, "status": "INVALID", "message": "B"},
            "errored",
            False,
            "INVALID: B",
        ),
        ({"code": 503, "message": "B"}, "errored", True, "B"),
        ({"code": 1, "message": "So."}, "cancelled", False, "So."),
        ({"code": 4, "message": "Late."}, "expired", True, "Late."),
        ("odd", "errored", False, "odd"),
        ({"code": "13"}, "errored", False, "code None without a message"),
    ],
)
@pytest.mark.parametrize("member", ["error", "status"])
def test_errors(
    member: str, error: Any, outcome: str, said: str, *, retryable: bool
) -> None:
    """The code of an error says whether the same request may succeed later."""
    result = FORMAT.decode(orjson.dumps({"key": "r", member: error}))
    assert result.custom_id == "r"
    assert (result.outcome, result.retryable) == (outcome, retryable)
    assert result.error == said


@pytest.mark.parametrize("values", [[], ["x"], {"a": 1}, [1e308, 1e308], None])
def test_odd_vectors(values: Any) -> None:
    """A vector is a list of finite numbers, or no answer."""
    line = orjson.dumps({"key": "r", "response": {"embedding": {"values": values}}})
    wanted = Outcome.SUCCEEDED if values == [] else Outcome.INVALID
    assert FORMAT.decode(line).outcome is wanted


_counts = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=3))
_names = ("prompt", "candidates", "thoughts", "total", "cachedContent")
_usages = st.one_of(
    st.none(),
    st.dictionaries(st.sampled_from([f"{name}TokenCount" for name in _names]), _counts),
    st.just({"promptTokenCount": 9, "candidatesTokenCount": 2}),
)
_parts = st.fixed_dictionaries(
    {},
    optional={
        "text": st.one_of(st.none(), st.text(max_size=4)),
        "thought": st.booleans(),
        "thoughtSignature": st.just("x"),
        "functionCall": st.just({"args": {"a": 1}}),
    },
)


@settings(max_examples=40)
@given(
    parts=st.lists(_parts, max_size=3),
    reason=st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", None]),
    usage=_usages,
)
def test_fast_decoding_says_nothing_else(parts: Any, reason: Any, usage: Any) -> None:
    """Where it gives a result, that is the one of `decode_line`."""
    line = answer(*parts, reason=reason, usage=usage or {})
    plain = decode_plain(line)
    assert plain is None or plain == decode_line(line)
