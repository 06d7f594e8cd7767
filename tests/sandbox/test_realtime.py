"""The endpoints that answer one request at once, judged by the official SDKs."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import anthropic
import boto3
import httpx2
import mistralai.client
import openai
import openrouter
import orjson
import pytest
from google import genai

from batchwright.sandbox import Sandbox

SCHEMA = {
    "type": "object",
    "properties": {"spam": {"type": "boolean"}},
    "required": ["spam"],
    "additionalProperties": False,
}
USER = [{"role": "user", "content": "Is this spam?"}]


def test_every_endpoint_of_openai_answers_at_once(clients: Any) -> None:
    """The SDK reads chat, response, completion and embedding, each in its own type."""
    sdk: openai.OpenAI = clients.openai
    form: Any = {"name": "a", "schema": SCHEMA, "strict": True}
    chat = sdk.chat.completions.create(
        model="gpt-4o-mini",
        messages=USER,  # type: ignore[arg-type]
        response_format={"type": "json_schema", "json_schema": form},
    )
    assert isinstance(orjson.loads(chat.choices[0].message.content or "")["spam"], bool)
    assert chat.usage
    assert chat.usage.prompt_tokens > 0
    response = sdk.responses.create(model="gpt-5-mini", input="Is this spam?")
    assert "Is this spam?" in response.output_text
    completion = sdk.completions.create(model="gpt-3.5-turbo-instruct", prompt="Hi")
    assert completion.choices[0].text
    vectors = sdk.embeddings.create(
        model="text-embedding-3-small", input=["a", "b"], encoding_format="float"
    )
    assert [len(each.embedding) for each in vectors.data] == [1536, 1536]
    assert clients.sandbox.created() == 0
    assert [call.operation for call in clients.sandbox.calls()] == ["ask"] * 4


def test_messages_are_answered_at_once(clients: Any) -> None:
    """The SDK reads text and a tool's input, at the price of a single request."""
    sdk: anthropic.Anthropic = clients.anthropic
    asked: Any = {"model": "claude-haiku-4-5", "max_tokens": 100, "messages": USER}
    message = sdk.messages.create(**asked)
    assert message.content[0].type == "text"
    assert message.usage.service_tier == "standard"
    tool: Any = {"name": "label", "input_schema": SCHEMA}
    choice: Any = {"type": "tool", "name": "label"}
    called = sdk.messages.create(**asked, tools=[tool], tool_choice=choice)
    assert called.stop_reason == "tool_use"
    assert clients.sandbox.created() == 0


def test_gemini_answers_at_once(sandbox: Sandbox) -> None:
    """google-genai reads JSON after a schema and its usage, and raises a refusal."""
    options = genai.types.HttpOptions(base_url=sandbox.base_url("gemini"))
    sdk = genai.Client(api_key="k", http_options=options)
    form = genai.types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=SCHEMA
    )
    ask = partial(sdk.models.generate_content, model="gemini-2.5-flash", contents="Hi")
    answer = ask(config=form)
    assert isinstance(orjson.loads(answer.text or "")["spam"], bool)
    assert answer.usage_metadata
    assert answer.usage_metadata.prompt_token_count
    with pytest.raises(genai.errors.ClientError, match="temperature"):
        ask(config=genai.types.GenerateContentConfig(temperature=3))
    assert sandbox.created() == 0


def test_openrouter_answers_at_once(sandbox: Sandbox) -> None:
    """Its SDK reads a chat and an embedding."""
    url = sandbox.base_url("openrouter")
    with openrouter.OpenRouter(api_key="k", server_url=url) as sdk:
        user = openrouter.components.ChatUserMessage(role="user", content="Hi")
        chat = sdk.chat.send(model="openai/gpt-5-mini", messages=[user])
        vector = sdk.embeddings.generate(
            model="openai/text-embedding-3-small", input="a"
        )
    assert "'Hi'" in str(chat.choices[0].message.content)
    assert not isinstance(vector, str)
    assert len(vector.data) == 1


def test_mistral_answers_at_once(sandbox: Sandbox) -> None:
    """Its SDK reads a chat."""
    url = sandbox.base_url("mistral").removesuffix("/v1")
    with mistralai.client.Mistral(api_key="k", server_url=url) as sdk:
        user = mistralai.client.models.UserMessage(content="Hi")
        chat = sdk.chat.complete(model="mistral-small-latest", messages=[user])
    message = chat.choices[0].message
    assert message
    assert "'Hi'" in str(message.content)


def test_bedrock_answers_at_once(sandbox: Sandbox) -> None:
    """boto3 reads what `converse` and `invoke` of a model say."""
    sdk = boto3.client(
        "bedrock-runtime",
        endpoint_url=sandbox.base_url("bedrock"),
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    user = {"role": "user", "content": [{"text": "Hi"}]}
    said = sdk.converse(modelId="amazon.nova-lite-v1:0", messages=[user])
    assert "'Hi'" in said["output"]["message"]["content"][0]["text"]
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9}
    model = "anthropic.claude-haiku-4-5-20251001-v1:0"
    said = sdk.invoke_model(modelId=model, body=orjson.dumps(body | {"messages": USER}))
    assert orjson.loads(said["body"].read())["content"][0]["type"] == "text"


def test_an_answer_is_the_one_that_a_batch_gives(clients: Any, chat: Any) -> None:
    """A body is read and refused by one judge, whichever way it comes."""
    bad = {"temperature": 3}
    batch = clients.run([chat(**bad)])
    (line,) = clients.results(batch).values()
    with pytest.raises(openai.BadRequestError) as caught:
        clients.openai.chat.completions.create(**chat(**bad)["body"])
    assert caught.value.body == line["response"]["body"]["error"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"model": "no-such-model"}, openai.NotFoundError),
        ({"model": ""}, openai.BadRequestError),
        ({"messages": None}, openai.BadRequestError),
    ],
)
def test_what_no_model_can_be_asked_is_refused(
    clients: Any, chat: Any, body: dict[str, Any], error: type[Exception]
) -> None:
    """An unknown model and a body without content each have their error."""
    clients.sandbox.set_faults({"models": ["gpt-4o-mini"]})
    with pytest.raises(error):
        clients.openai.post(
            "/chat/completions",
            cast_to=httpx2.Response,
            body={**chat()["body"], **body},
        )


def test_an_unknown_claude_does_not_exist(clients: Any) -> None:
    """Another vendor's model is not found."""
    with pytest.raises(anthropic.NotFoundError, match="gpt-5-mini"):
        clients.anthropic.messages.create(
            model="gpt-5-mini", max_tokens=9, messages=USER
        )


def test_a_rate_limit_is_waited_for(sandbox: Sandbox) -> None:
    """Both SDKs wait as long as `retry-after` says, then get their answer."""
    rule = {"operation": "ask", "do": "status", "status": 429, "nth": [1]}
    sandbox.set_faults({"calls": [{**rule, "retry_after_seconds": 0.2}]})
    sdk = openai.OpenAI(base_url=sandbox.openai_base_url, api_key="k")
    begun = time.monotonic()
    sdk.embeddings.create(model="text-embedding-3-small", input="a")
    assert time.monotonic() - begun >= 0.2


@pytest.mark.parametrize(
    ("kind", "reason"), [("refusal", "stop"), ("truncated", "length")]
)
def test_answers_have_faults_too(clients: Any, kind: str, reason: str) -> None:
    """Top-level `answers` of a fault file spoil what is answered at once."""
    clients.sandbox.set_faults({"answers": [{"kind": kind, "nth": [2]}]})
    chats = [
        clients.openai.chat.completions.create(model="gpt-4o-mini", messages=USER)
        for _ in range(2)
    ]
    assert chats[0].choices[0].message.content
    assert chats[1].choices[0].finish_reason == reason
    assert bool(chats[1].choices[0].message.refusal) == (kind == "refusal")
