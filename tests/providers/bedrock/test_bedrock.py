"""Bedrock's jobs: the conformance suite, and boto3 as the judge."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import orjson
import pytest

from batchwright.errors import (
    BatchFailedError,
    InputError,
    MissingKeyError,
    RejectedError,
    ResultsGoneError,
)
from batchwright.models import BatchStatus, Intent, Outcome, RequestTemplate
from batchwright.providers import Provider, get_provider, get_vendor
from batchwright.providers.conformance import (
    ClientConformance,
    Example,
    FormatConformance,
    PipelineConformance,
    VendorServer,
)
from batchwright.sandbox import Sandbox
from tests.providers.bedrock.bedrock_server import ROLE, BedrockServer

MODEL = "anthropic.claude-sonnet-5-v1:0"
USER = [{"role": "user", "content": "Hi."}]


def _line(member: str, value: Any) -> bytes:
    asked = {"messages": [{"role": "user", "content": [{"text": "Hi."}]}]}
    return orjson.dumps({"modelInput": asked, member: value, "recordId": "row-1"})


def _converse(reason: str, *content: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    usage = {"inputTokens": 9, "outputTokens": 2, "totalTokens": 11}
    answer = {"output": {"message": message}, "stopReason": reason, "usage": usage}
    return _line("modelOutput", answer)


def _claude(reason: str) -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 2}
    text = [{"type": "text", "text": "Yes."}]
    message = {"content": text, "stop_reason": reason, "usage": usage, "model": "c"}
    return _line("modelOutput", message)


def _error(code: Any, message: str = "No.") -> bytes:
    return _line("error", {"errorCode": code, "errorMessage": message})


THOUGHT = {"reasoningContent": {"reasoningText": {"text": "Hm."}}}
TITAN = {"tokenCount": 2, "outputText": "Yes.", "completionReason": "FINISH"}
LLAMA = {"generation": "Yes.", "prompt_token_count": 9, "generation_token_count": 2}
VECTOR = {"embedding": [0.5, 1.0], "inputTextTokenCount": 9}
COUNTS = {"usage": {"prompt_tokens": 9, "completion_tokens": 2}}
CHAT = {"message": {"content": "Yes."}, "finish_reason": "stop"}


class _Bedrock:
    vendor = "bedrock"
    model = MODEL

    @pytest.fixture
    def server(self, sandbox: Sandbox, bucket: str) -> VendorServer:
        """Give the sandbox and a bucket."""
        return BedrockServer(sandbox, bucket)


class TestFormat(_Bedrock, FormatConformance):
    """Bedrock's lines."""

    examples = (
        Example(Outcome.SUCCEEDED, _converse("end_turn", {"text": "Yes."})),
        Example(Outcome.SUCCEEDED, _converse("end_turn", THOUGHT, {"text": "Yes."})),
        Example(Outcome.SUCCEEDED, _claude("end_turn")),
        Example(
            Outcome.SUCCEEDED,
            _line("modelOutput", {"results": [TITAN], "inputTextTokenCount": 9}),
        ),
        Example(
            Outcome.SUCCEEDED, _line("modelOutput", {**LLAMA, "stop_reason": "stop"})
        ),
        Example(Outcome.SUCCEEDED, _line("modelOutput", {"choices": [CHAT], **COUNTS})),
        Example(Outcome.SUCCEEDED, _line("modelOutput", VECTOR)),
        Example(Outcome.TRUNCATED, _converse("max_tokens", {"text": "Ye"})),
        Example(Outcome.TRUNCATED, _claude("max_tokens")),
        Example(Outcome.REFUSED, _converse("guardrail_intervened", {"text": "No."})),
        Example(Outcome.REFUSED, _claude("refusal")),
        Example(Outcome.INVALID, _converse("end_turn")),
        Example(Outcome.ERRORED, _error(400)),
        Example(Outcome.ERRORED, _error("ValidationException")),
        Example(Outcome.ERRORED, _error(429), retryable=True),
        Example(Outcome.ERRORED, _error("ThrottlingException"), retryable=True),
    )


class TestClient(_Bedrock, ClientConformance):
    """Bedrock's client, against the sandbox and moto."""


@pytest.mark.long
@pytest.mark.timeout(900)
class TestRuns(_Bedrock, PipelineConformance):
    """Runs with Bedrock, killed and without answers."""


@pytest.fixture
def server(sandbox: Sandbox, bucket: str) -> BedrockServer:
    """Give the sandbox and a bucket."""
    return BedrockServer(sandbox, bucket)


@pytest.fixture
def provider(server: BedrockServer, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """Give a client of ours in a new account."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return get_provider("bedrock")


@pytest.fixture
def judge(provider: Provider) -> Any:
    """Give boto3's client, in the same account by the same variables."""
    del provider
    return boto3.Session().client("bedrock")


def _requests(provider: Provider, folder: Path, count: int, **facts: Any) -> Path:
    facts = {"model": MODEL, "endpoint": "/converse", "max_tokens": 50, **facts}
    encode = provider.encoder(RequestTemplate(**facts))
    path = folder / "in.jsonl"
    path.write_bytes(b"".join(encode(f"row-{n}", USER) for n in range(count)))
    return path


def _intent(provider: Provider, path: Path, **more: Any) -> Intent:
    facts: dict[str, Any] = {
        "token": "the-token",
        "claimed_at": datetime.now(UTC),
        "requests": 2,
        "bytes": path.stat().st_size,
        "digest": "",
        "endpoint": "/converse",
        "model": MODEL,
        "account": provider.account(),
        "input_file_id": provider.upload(path),
    }
    return Intent(**facts | more)


def _objects(uri: str) -> dict[str, bytes]:
    parts, s3 = urlsplit(uri), boto3.Session().client("s3")
    found = s3.list_objects_v2(Bucket=parts.netloc, Prefix=parts.path.lstrip("/"))
    return {
        each["Key"]: s3.get_object(Bucket=parts.netloc, Key=each["Key"])["Body"].read()
        for each in found.get("Contents", ())
    }


def test_what_ours_creates_boto3_lands(
    provider: Provider, judge: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    """boto3 sees role, token, type, window and counts, and the files are on S3."""
    path = _requests(provider, tmp_path, 2)
    batch = provider.create(path, _intent(provider, path, completion_window="3d"))
    sandbox.settle()
    (listed,) = judge.list_model_invocation_jobs()["invocationJobSummaries"]
    job = judge.get_model_invocation_job(jobIdentifier=listed["jobArn"])
    assert listed["jobArn"].endswith(f":model-invocation-job/{batch.id}")
    assert job["clientRequestToken"] == "the-token"
    assert (job["jobName"], job["roleArn"]) == ("batchwright-the-token", ROLE)
    assert (job["modelId"], job["modelInvocationType"]) == (MODEL, "Converse")
    assert (job["status"], job["timeoutDurationInHours"]) == ("Completed", 72)
    assert job["successRecordCount"] == job["totalRecordCount"] == 2
    source = job["inputDataConfig"]["s3InputDataConfig"]["s3Uri"]
    assert [*_objects(source).values()] == [path.read_bytes()]
    target = job["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
    lines, manifest = sorted(_objects(target).items())
    assert orjson.loads(manifest[1])["processedRecordCount"] == 2
    found = {orjson.loads(line)["recordId"] for line in lines[1].splitlines()}
    assert found == {"row-0", "row-1"}
    assert provider.retrieve(batch.id).counts.succeeded == 2


@pytest.mark.parametrize("kind", ["Converse", "InvokeModel"])
def test_what_boto3_creates_ours_lands(
    kind: str, provider: Provider, judge: Any, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A job of a script's, of either type, is listed, read and downloaded."""
    endpoint = "/invoke" if kind == "InvokeModel" else "/converse"
    uri = provider.upload(_requests(provider, tmp_path, 2, endpoint=endpoint))
    created = judge.create_model_invocation_job(
        jobName="a-script",
        roleArn=ROLE,
        modelId=MODEL,
        modelInvocationType=kind,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": uri}},
        outputDataConfig={
            "s3OutputDataConfig": {"s3Uri": f"{str(uri).rpartition('/')[0]}/theirs/"}
        },
    )
    sandbox.settle()
    (batch,) = provider.list(5)
    assert created["jobArn"].endswith(batch.id)
    assert (batch.endpoint, batch.status) == (endpoint, BatchStatus.ENDED)
    out = tmp_path / "out.jsonl"
    assert provider.download(batch, out) == 2
    results = [provider.decode(line) for line in out.read_bytes().splitlines()]
    assert {each.custom_id for each in results} == {"row-0", "row-1"}
    assert {each.outcome for each in results} == {Outcome.SUCCEEDED}


def test_the_same_claim_makes_one_job(provider: Provider, tmp_path: Path) -> None:
    """A creation that is sent again with its token is the same job."""
    path = _requests(provider, tmp_path, 2)
    intent = _intent(provider, path)
    ids = {provider.create(path, intent).id for _ in range(2)}
    assert len(ids) == 1
    assert [batch.id for batch in provider.list(5)] == [*ids]
    assert [batch.id for batch in provider.find(intent)] == [*ids]
    other = intent.model_copy(update={"model": "amazon.nova-lite-v1:0"})
    with pytest.raises(RejectedError, match="used with other parameters") as caught:
        provider.create(path, other)
    assert caught.value.code == "ConflictException"


def test_an_old_claim_is_looked_for_first(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A token that AWS may have forgotten is not sent where the job is listed."""
    path = _requests(provider, tmp_path, 2)
    intent = _intent(provider, path)
    made = provider.create(path, intent)
    old = intent.model_copy(
        update={"claimed_at": datetime.now(UTC) - timedelta(days=1)}
    )
    before = [call.operation for call in sandbox.calls()].count("create")
    assert provider.create(path, old).id == made.id
    assert [call.operation for call in sandbox.calls()].count("create") == before


@pytest.mark.parametrize(
    ("end", "word", "lines"),
    [("expired", "PartiallyCompleted", 2), ("cancelled", "Stopped", 2)],
)
def test_what_a_job_answered_before_it_ended_is_landed(
    end: str,
    word: str,
    lines: int,
    provider: Provider,
    server: BedrockServer,
    sandbox: Sandbox,
    tmp_path: Path,
) -> None:
    """A job that ended early has the lines of the records that ran."""
    sandbox.set_faults(server.faults(batches=[{"end": end, "ran": 0.5}]))
    path = _requests(provider, tmp_path, 4)
    made = provider.create(path, _intent(provider, path, requests=4))
    sandbox.settle()
    batch = provider.retrieve(made.id)
    assert (batch.status, batch.provider_status) == (BatchStatus.ENDED, word)
    assert provider.download(batch, tmp_path / "out.jsonl") == lines


def test_results_that_were_deleted_are_gone(
    provider: Provider, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The error says where they should be."""
    path = _requests(provider, tmp_path, 2)
    made = provider.create(path, _intent(provider, path))
    sandbox.settle()
    batch = provider.retrieve(made.id)
    parts = urlsplit(str(batch.results_url))
    for key in _objects(str(batch.results_url)):
        boto3.Session().client("s3").delete_object(Bucket=parts.netloc, Key=key)
    with pytest.raises(ResultsGoneError, match="are not at s3://"):
        provider.download(batch, tmp_path / "out.jsonl")


def test_a_refused_input_says_why(
    provider: Provider, server: BedrockServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    """A job that failed has no results, and its message is the error."""
    sandbox.set_faults({**server.faults(), "limits": {"bedrock_min_requests": 100}})
    path = _requests(provider, tmp_path, 2)
    made = provider.create(path, _intent(provider, path))
    sandbox.settle()
    batch = provider.retrieve(made.id)
    assert batch.status is BatchStatus.FAILED
    with pytest.raises(BatchFailedError, match="has 2 records; the minimum is 100"):
        provider.download(batch, tmp_path / "out.jsonl")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BEDROCK_BATCH_ROLE_ARN", "", "set BEDROCK_BATCH_ROLE_ARN to its ARN"),
        ("BEDROCK_BATCH_ROLE_ARN", "my-role", "needs a service role"),
        ("BEDROCK_BATCH_S3_URI", "", "set BEDROCK_BATCH_S3_URI to s3://"),
        ("BEDROCK_BATCH_S3_URI", "my-bucket", "has its files on S3"),
    ],
)
def test_a_missing_setting_is_one_sentence(
    variable: str,
    value: str,
    said: str,
    provider: Provider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is sent, it says what to set."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(InputError, match=said):
        provider.upload(_requests(provider, tmp_path, 1))


def test_a_bucket_that_is_not_there_is_one_sentence(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the object, and what S3 said."""
    monkeypatch.setenv("BEDROCK_BATCH_S3_URI", "s3://no-such-bucket/x")
    with pytest.raises(RejectedError, match=r"s3://no-such-bucket/x.*NoSuchBucket"):
        provider.upload(_requests(provider, tmp_path, 1))


def test_without_credentials_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """boto3's own chain is asked, and no key of ours is taken in its place."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    with pytest.raises(MissingKeyError, match="boto3 finds no credentials"):
        get_provider("bedrock")
    with pytest.raises(MissingKeyError, match="takes no API key"):
        get_provider("bedrock", None, "a-key")
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(InputError, match="set AWS_REGION"):
        get_provider("bedrock")


def test_an_address_follows_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Either of boto3's and the other SDKs' variables names the region."""
    vendor = get_vendor("bedrock")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_BEDROCK", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert vendor.address() == "https://bedrock.eu-west-1.amazonaws.com"
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert vendor.address() == "https://bedrock.us-west-2.amazonaws.com"
