"""The services that use OpenAI's wire format: each client against its own API."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import groq
import httpx2
import openai
import orjson
import pytest
import together

from batchwright.data.endpoints import refuse_foreign_model, window_for
from batchwright.errors import (
    InputError,
    MissingKeyError,
    RejectedError,
    UnreachableError,
)
from batchwright.models import (
    Account,
    Batch,
    BatchStatus,
    Intent,
    Mode,
    RequestTemplate,
)
from batchwright.providers import (
    Provider,
    get_provider,
    get_vendor,
    split_model,
)
from batchwright.providers.conformance import VendorServer
from batchwright.providers.conformance.clients import ClientConformance
from batchwright.providers.conformance.pipelines import PipelineConformance
from batchwright.providers.openai import OpenAIProvider
from batchwright.providers.openai.dialects import VENDORS
from batchwright.providers.openai.format import OpenAIFormat
from batchwright.providers.openai.record import Dialect
from batchwright.providers.openai.together import TogetherProvider
from batchwright.sandbox import Sandbox
from batchwright.sandbox.openai.dialects import DIALECTS
from tests.providers.test_conformance import SandboxServer

NAMES = [vendor.name for vendor in VENDORS if vendor.name != "openai"]
PLAYED = [*NAMES, "anthropic-aws", "anthropic-gcp"]
USER = [{"role": "user", "content": "Hi."}]
INTENT = Intent(
    token="t",
    claimed_at=datetime.now(UTC),
    requests=1,
    bytes=1,
    digest="",
    endpoint="/v1/chat/completions",
    account=Account(base_url="http://localhost/v1"),
)


class _Client(ClientConformance):
    """A client against the sandbox."""

    model = "some-model"

    @pytest.fixture
    def server(self, sandbox: Sandbox) -> VendorServer:
        """Give the sandbox."""
        return SandboxServer(sandbox, self.vendor)

    def template(self, **facts: Any) -> RequestTemplate:
        """Leave out what an embedding has not."""
        found = super().template(**facts)
        is_text = not found.endpoint.endswith("embeddings")
        return found if is_text else found.model_copy(update={"max_tokens": None})


for name in PLAYED:
    title = f"Test{name.title().replace('-', '')}"
    model = "claude-sonnet-4-5" if "anthropic" in name else "some-model"
    globals()[title] = type(title, (_Client,), {"vendor": name, "model": model})


class _Pipeline(PipelineConformance):
    """Runs of one vendor against the sandbox."""

    model = "some-model"

    @pytest.fixture
    def server(self, sandbox: Sandbox) -> VendorServer:
        """Give the sandbox."""
        return SandboxServer(sandbox, self.vendor)


for name in PLAYED:
    title = f"TestRunsOf{name.title().replace('-', '')}"
    model = "claude-sonnet-4-5" if "anthropic" in name else "some-model"
    members = {"vendor": name, "model": model, "pytestmark": pytest.mark.long}
    globals()[title] = type(title, (_Pipeline,), members)


class TestSomeRunsOfOgx(_Pipeline):
    """OGX takes a key; the others find lost creations as OpenAI or Anthropic does."""

    vendor = "ogx"
    kill_every = 4


@pytest.fixture
def serve(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], tuple[Provider, str, str]]:
    """Return a vendor's client in a new account, its address and its key."""

    def make(name: str) -> tuple[Provider, str, str]:
        environment = SandboxServer(sandbox, name).environment()
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        sandbox.set_faults(None)
        return get_provider(name), *environment.values()

    return make


def _create(provider: Provider, folder: Path, name: str = "t") -> tuple[Batch, Intent]:
    vendor = get_vendor(provider.name)
    template = RequestTemplate(model="some-model", endpoint=vendor.endpoints[0])
    path = folder / f"{name}.jsonl"
    line = provider.encoder(template)(f"row-{name}", USER)
    path.write_bytes(line)
    intent = Intent(
        token=name,
        claimed_at=datetime.now(UTC),
        requests=1,
        bytes=len(line),
        digest="",
        endpoint=template.endpoint,
        account=provider.account(),
        input_file_id=provider.upload(path),
    )
    return provider.create(path, intent), intent


@pytest.mark.parametrize("name", ["groq", "openai", "kimi", "together"])
def test_a_list_is_walked_to_its_end(
    name: str, serve: Callable[[str], tuple[Provider, str, str]], tmp_path: Path
) -> None:
    """A batch on the last of many pages is found, however the list pages."""
    provider, _, _ = serve(name)
    lost, intent = _create(provider, tmp_path, "lost")
    later = [_create(provider, tmp_path, f"later-{n}")[0].id for n in range(6)]
    provider.page_size = 2
    found = [batch.id for batch in provider.find(intent)]
    assert found[-1] == lost.id
    assert [batch.id for batch in provider.list(10)] == [*reversed(later), lost.id]


def _answer(pages: Sequence[Any]) -> httpx2.MockTransport:
    left = iter(pages)
    return httpx2.MockTransport(lambda _: httpx2.Response(200, json=next(left)))


@pytest.mark.parametrize(
    "pages",
    [
        [{"data": [{"id": "b"}]}, {"data": [{"id": "b"}]}],
        [{"data": [{"id": "b"}], "has_more": True}, {"data": [], "has_more": True}],
        [{"data": [{"id": "b"}], "paging": {"next_cursor": "x"}}] * 2,
    ],
    ids=["ignores-after", "empty-page", "same-cursor"],
)
def test_an_unclear_end_of_a_list_is_no_absence(pages: Sequence[Any]) -> None:
    """Where no page says that it is the last, nothing is called not created."""
    provider = OpenAIProvider("http://localhost/v1", "key", transport=_answer(pages))
    with pytest.raises(UnreachableError, match="could not be read to its end"):
        provider.find(INTENT)


def _judge(client: Any, batch_id: str) -> None:
    listed = client.batches.list()
    assert batch_id in {each.id for each in getattr(listed, "data", listed)}
    assert client.batches.retrieve(batch_id).id == batch_id


def test_groqs_sdk_sees_the_same(
    serve: Callable[[str], tuple[Provider, str, str]], sandbox: Sandbox, tmp_path: Path
) -> None:
    """What ours creates its SDK lists, cancels and downloads, and the reverse."""
    provider, url, key = serve("groq")
    client = groq.Groq(api_key=key, base_url=url.removesuffix("/openai/v1"))
    batch, _ = _create(provider, tmp_path)
    _judge(client, batch.id)
    with (tmp_path / "t.jsonl").open("rb") as file:
        sent = client.files.create(file=("in.jsonl", file), purpose="batch")
    theirs = client.batches.create(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id=sent.id
    )
    assert client.batches.cancel(theirs.id).status in {"cancelling", "cancelled"}
    sandbox.settle()
    output = client.batches.retrieve(batch.id).output_file_id
    assert b"row-t" in client.files.content(str(output)).read()
    assert provider.retrieve(theirs.id).provider_status == "cancelled"


def test_togethers_sdk_sees_the_same(
    serve: Callable[[str], tuple[Provider, str, str]], sandbox: Sandbox, tmp_path: Path
) -> None:
    """What ours creates its SDK lists, cancels and downloads, and the reverse."""
    provider, url, key = serve("together")
    client = together.Together(api_key=key, base_url=url.removesuffix("/v1"))
    batch, _ = _create(provider, tmp_path)
    _judge(client, batch.id)
    sent = client.files.upload(tmp_path / "t.jsonl", purpose="batch-api", check=False)
    theirs = client.batches.create(
        endpoint="/v1/chat/completions", input_file_id=sent.id, completion_window="24h"
    )
    assert theirs.job is not None
    assert "CANCELL" in str(client.batches.cancel(str(theirs.job.id)).status)
    sandbox.settle()
    output = client.batches.retrieve(batch.id).output_file_id
    assert b"row-t" in client.files.content(str(output)).read()
    ours = provider.retrieve(str(theirs.job.id))
    assert ours.status is BatchStatus.ENDED


def test_azures_client_sees_the_same(
    serve: Callable[[str], tuple[Provider, str, str]], sandbox: Sandbox, tmp_path: Path
) -> None:
    """What ours creates the SDK's class lists, cancels and downloads; the reverse."""
    provider, url, key = serve("azure")
    client = openai.AzureOpenAI(base_url=url, api_key=key, api_version="v1")
    batch, _ = _create(provider, tmp_path)
    _judge(client, batch.id)
    with (tmp_path / "t.jsonl").open("rb") as file:
        sent = client.files.create(file=("in.jsonl", file), purpose="batch")
    with pytest.raises(openai.BadRequestError, match="not processed yet"):
        _create_as_azure(client, sent.id)
    assert client.files.retrieve(sent.id).status == "pending"
    theirs = _create_as_azure(client, sent.id)
    assert client.batches.cancel(theirs.id).status in {"cancelling", "cancelled"}
    sandbox.settle()
    output = client.batches.retrieve(batch.id).output_file_id
    assert b"row-t" in client.files.content(str(output)).read()
    assert provider.retrieve(theirs.id).provider_status == "cancelled"


def _create_as_azure(client: openai.AzureOpenAI, file_id: str) -> Any:
    return client.batches.create(
        completion_window="24h", endpoint="/v1/chat/completions", input_file_id=file_id
    )


def test_a_file_that_is_not_ready_is_waited_for(
    serve: Callable[[str], tuple[Provider, str, str]], sandbox: Sandbox, tmp_path: Path
) -> None:
    """No batch is asked for until the service has read the file."""
    provider, _, _ = serve("azure")
    _create(provider, tmp_path)
    operations = [call.operation for call in sandbox.calls()]
    start = len(operations) - operations[::-1].index("upload")
    assert operations[start:] == ["file", "file", "create"]


def test_a_key_of_creation_makes_one_batch(
    serve: Callable[[str], tuple[Provider, str, str]], tmp_path: Path
) -> None:
    """The same claim sent twice is the same batch."""
    provider, _, _ = serve("ogx")
    batch, intent = _create(provider, tmp_path)
    assert provider.create(tmp_path / "t.jsonl", intent).id == batch.id
    assert len([*provider.list(10)]) == 1


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_both_tables_say_the_same(vendor: Dialect) -> None:
    """The judge's table and the client's were written apart and agree."""
    judge = DIALECTS[vendor.name]
    assert judge.names_url == vendor.names_url
    assert judge.url_prefix == vendor.url_prefix
    assert judge.pager == vendor.pager
    assert judge.purpose == vendor.file_purpose
    assert judge.takes_expiry == (vendor.file_days is not None)
    assert judge.takes_key == (vendor.creation == "key")
    assert judge.created_in == vendor.created_in
    assert judge.base_url_variable == vendor.base_url_variable
    assert judge.key_variable == vendor.key_variables[0]
    assert all(map(vendor.has_window, judge.windows))
    if judge.keeps_metadata:
        assert judge.metadata_names is None or vendor.token_name in judge.metadata_names
    else:
        assert vendor.creation == "candidates"
    if judge.endpoints:
        assert judge.endpoints == vendor.endpoints


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
def test_a_row_says_where_it_is_from(vendor: Dialect) -> None:
    """Every row has a source, its day, and only fields of its own as guesses."""
    assert vendor.source
    assert date.fromisoformat(vendor.checked)
    assert {*vendor.guesses} <= {each.name for each in fields(vendor)}
    assert vendor.limits.source


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("groq/llama-4", ("groq", "llama-4")),
        ("together/meta/llama-4", ("together", "meta/llama-4")),
        ("meta/llama-4", ("openai", "meta/llama-4")),
        ("anthropic-aws/claude-x", ("anthropic-aws", "claude-x")),
    ],
)
def test_a_prefix_names_the_vendor(model: str, expected: tuple[str, str]) -> None:
    """A known prefix says the vendor; any other belongs to the model's name."""
    assert split_model(model) == expected


@pytest.mark.parametrize(
    ("provider", "window", "said"),
    [
        ("openai", "1h", "OpenAI has no completion window '1h', only 24h"),
        ("groq", "8d", "Groq has no completion window '8d', only 24h, 24h to 168h"),
        ("voyage", "24h", "Voyage has no completion window '24h', only 12h"),
    ],
)
def test_an_unknown_window_is_refused(provider: str, window: str, said: str) -> None:
    """It says which there are."""
    with pytest.raises(InputError) as caught:
        window_for(provider, window)
    assert said in str(caught.value)


def test_a_server_without_address_is_one_sentence() -> None:
    """A self-hosted service has to be named by its variable."""
    with pytest.raises(InputError, match="set OGX_BASE_URL to the base URL"):
        get_provider("ogx", None, "key")


TOOLS_ALONE = replace(get_vendor("groq"), structured=("tools",))
SHAPED = RequestTemplate(
    model="m",
    endpoint="/v1/chat/completions",
    answer_schema={
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    },
)


def test_the_way_that_a_service_knows_is_taken() -> None:
    """Without a mode, structured output is asked for as the row says."""
    line = OpenAIFormat(vendor=TOOLS_ALONE).encoder(SHAPED)("row-1", USER)
    assert {"tools", "tool_choice"} <= orjson.loads(line)["body"].keys()


@pytest.mark.parametrize(
    ("vendor", "mode", "said"),
    [
        (TOOLS_ALONE, "json_schema", "Groq knows no `json_schema`: use `--mode tools`"),
        (replace(TOOLS_ALONE, structured=()), "auto", "leave out the response model"),
    ],
    ids=["another-way", "no-way"],
)
def test_other_ways_of_structured_output_are_refused(
    vendor: Dialect, mode: Mode, said: str
) -> None:
    """Before anything is sent, with the way that there is."""
    template = SHAPED.model_copy(update={"mode": mode})
    with pytest.raises(InputError) as caught:
        OpenAIFormat(vendor=vendor).encoder(template)
    assert said in str(caught.value)


def test_what_stands_for_no_key_is_cut_out_of_no_error(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words of an error are not taken for the key that nobody set."""
    monkeypatch.delenv("OGX_API_KEY", raising=False)
    fault = {"operation": "list", "do": "status", "status": 400, "message": "none left"}
    sandbox.set_faults({"calls": [fault]})
    with pytest.raises(RejectedError, match="none left"):
        get_provider("ogx", sandbox.base_url("ogx")).account()


def _together(*answers: httpx2.Response) -> TogetherProvider:
    left = iter(answers)
    transport = httpx2.MockTransport(lambda _: next(left))
    return TogetherProvider(
        "http://localhost/v1", "key", vendor=get_vendor("together"), transport=transport
    )


def test_a_file_that_together_has_already_is_taken(tmp_path: Path) -> None:
    """The answer to an upload of known bytes names their file."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"{}\n")
    known = httpx2.Response(409, json={"file_id": "file-1"})
    assert _together(known).upload(path) == "file-1"
    with pytest.raises(UnreachableError, match="did not answer as Together does"):
        _together(httpx2.Response(409, json={})).upload(path)


def test_odd_items_of_a_list_are_passed_over() -> None:
    """What is no batch in a bare array does not hide the batches in it."""
    items = [
        7,
        {"id": "b", "status": "COMPLETED", "created_at": "2026-01-01T00:00:00Z"},
    ]
    provider = _together(httpx2.Response(200, json=items))
    assert [batch.id for batch in provider.list(5)] == ["b"]


@pytest.mark.parametrize(
    ("provider", "key", "said"),
    [
        ("openai", "sk-ant-api03-x", "is one of Anthropic's: set a key of OpenAI"),
        ("anthropic", "gsk_x", "use --provider groq"),
        ("groq", "sk-proj-x", "use --provider openai"),
    ],
)
def test_a_key_of_another_vendor_is_not_sent(
    provider: str, key: str, said: str
) -> None:
    """The sentence names whose it is."""
    with pytest.raises(MissingKeyError) as caught:
        get_provider(provider, None, key)
    assert said in str(caught.value)
    assert key not in str(caught.value)


def test_a_model_of_an_unknown_vendor_is_refused() -> None:
    """OpenAI's own names have no slash; another service's may."""
    with pytest.raises(InputError, match="'mistral' is no known provider: it is one"):
        refuse_foreign_model("openai", "mistral/large", "https://api.openai.com/v1")
    refuse_foreign_model("openai", "mistral/large", "https://llm.example/v1")
    refuse_foreign_model("groq", "openai/gpt-oss", "https://api.groq.com/openai/v1")
