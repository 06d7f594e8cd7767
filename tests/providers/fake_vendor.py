"""Acme, a vendor with a wire format of its own, as another package would bring it."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

import httpx2
import orjson

from batchwright.errors import InputError
from batchwright.models import (
    Batch,
    BatchResult,
    BatchStatus,
    Intent,
    LineError,
    Messages,
    Outcome,
    RequestTemplate,
    Usage,
)
from batchwright.providers import Encode, Limits, Progress, Vendor
from batchwright.providers.http.asking import ask, parts_of
from batchwright.providers.http.client import HttpClient, check_ended, create_budget
from batchwright.providers.http.download import ResultFile, save_results

ENDPOINT = "/jobs"
STATUSES = {"work": BatchStatus.IN_PROGRESS, "halt": BatchStatus.CANCELLING}
TALK = itemgetter("role", "content")


def _load(line: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


VENDOR = Vendor(
    name="acme",
    title="Acme",
    key_variables=("ACME_KEY",),
    base_url="https://acme.example",
    base_url_variable="ACME_URL",
    endpoints=(ENDPOINT,),
    model_prefixes=("acme-",),
    batch_id_prefixes=("job-",),
    creation="token",
    is_result=lambda line: bool({"ok", "no"} & _load(line).keys()),
    is_request=lambda request: "ask" in request,
    format="fake_vendor:AcmeFormat",
    client="fake_vendor:AcmeProvider",
)


class AcmeFormat:
    """`{"key", "ask": {"model", "system", "talk"}}` to `{"key", "ok" | "no"}`."""

    name = "acme"
    limits = Limits(max_requests=1000, max_bytes=1_000_000, source="the author")

    def __init__(self, base_url: str | None, *, vendor: Vendor) -> None:
        self.base_url = vendor.address(base_url)

    def restore(self, source: dict[str, Any], answer: Any) -> Any:
        """Return the answer: Acme takes every schema as it is."""
        return answer

    def encoder(self, template: RequestTemplate) -> Encode:
        """Return what encodes a row."""
        facts = template.model_dump(include={"model", "system", "answer_schema"})

        def encode(custom_id: str, messages: Messages) -> bytes:
            try:
                talk = [*map(TALK, messages)]
            except KeyError as exc:
                raise InputError(f"Request {custom_id}: no {exc}.") from exc
            line = {"key": custom_id, "ask": {**facts, "talk": talk}}
            return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)

        return encode

    def extend(self, line: bytes, custom_id: str, messages: Messages) -> bytes:
        """Return the request with another ID and more messages."""
        request = orjson.loads(line)
        request["key"] = custom_id
        request["ask"]["talk"] += map(TALK, messages)
        return orjson.dumps(request, option=orjson.OPT_APPEND_NEWLINE)

    def check(self, line: bytes) -> tuple[str | None, str | None, list[LineError]]:
        """Return ID, model and problems of a request."""
        match _load(line):
            case {"key": str(key), "ask": {"model": str(model), "talk": list()}}:
                return key, model, []
        return None, None, [LineError(message="This is no request of Acme.")]

    def endpoint(self, line: bytes) -> str:
        """Return the only endpoint."""
        return ENDPOINT

    def decode(self, line: bytes) -> BatchResult:
        """Return the result of a line."""
        record = _load(line)
        key = record["key"] if isinstance(record.get("key"), str) else None
        result = BatchResult(key, Outcome.ERRORED, error="This is no result of Acme.")
        match record:
            case {"ok": {"says": str(text), "used": [int(read), int(written)]}} if text:
                usage = Usage(read, written)
                result = BatchResult(key, Outcome.SUCCEEDED, text, usage=usage)
            case {"no": {"why": "halted"}}:
                result = BatchResult(key, Outcome.CANCELLED, error="Halted.")
            case {"no": {"why": why, "again": again}}:
                result.error, result.retryable = f"Acme: {why}", again is True
        return result


class AcmeProvider(HttpClient, AcmeFormat):
    """Acme's jobs, over plain HTTP."""

    page_size = 50

    def __init__(self, url: str | None, key: str | None, *, vendor: Vendor) -> None:
        AcmeFormat.__init__(self, url, vendor=vendor)
        HttpClient.__init__(
            self,
            vendor,
            self.base_url,
            key,
            status_error=httpx2.HTTPStatusError,
            connection_error=httpx2.TransportError,
        )
        self._client = httpx2.Client(
            base_url=self.base_url, headers={"acme-key": self._failures.key}
        )

    def ask(self, line: bytes, *, model: str | None = None) -> bytes:
        """Send one request to the path that answers at once."""
        key, content = parts_of(line, "key", "ask")
        _, answer = ask(self._failures, self._post, "/ask", content)
        return b'{"key":%b,%b' % (key, answer.removeprefix(b"{"))

    def _post(self, path: str, content: bytes, **_: Any) -> httpx2.Response:
        return self._client.post(path, content=content).raise_for_status()

    def upload(
        self,
        path: Path,
        progress: Progress | None = None,
        *,
        earlier: str | None = None,
    ) -> None:
        """Send nothing: the job carries its requests."""

    def create(
        self, path: Path, intent: Intent, progress: Progress | None = None
    ) -> Batch:
        """Create a job whose name is the token."""
        data, headers = path.read_bytes(), {"acme-name": intent.token}
        limits, _ = create_budget()
        with self._failures.creating():
            call = self._client.post(
                ENDPOINT, content=data, headers=headers, timeout=limits
            )
            response = call.raise_for_status()
        return self._read(self._failures.created(response))

    def download(
        self, batch: Batch, path: Path, progress: Progress | None = None
    ) -> int:
        """Write the result lines."""
        check_ended(batch)

        tell = progress or (lambda *_: None)

        def fetch(results: ResultFile) -> None:
            with self._failures.calling("download results"):
                response = self._get(f"{ENDPOINT}/{batch.id}/lines")
            results.add(response, name=batch.id, progress=lambda done: tell(done, None))

        return save_results(path, fetch, 0, batch.id)

    def _read(self, body: Mapping[str, Any]) -> Batch:
        return Batch(
            id=body["id"],
            provider="acme",
            status=STATUSES.get(body["state"], BatchStatus.ENDED),
            provider_status=body["state"],
            metadata={"name": body["name"]},
        )

    def _get(self, path: str, **params: Any) -> httpx2.Response:
        return self._client.get(path, params=params).raise_for_status()

    def _list(self, after: str | None, limit: int) -> httpx2.Response:
        return self._get(ENDPOINT, after=after or "", limit=limit)

    def _retrieve(self, batch_id: str) -> httpx2.Response:
        return self._get(f"{ENDPOINT}/{batch_id}")

    def _cancel(self, batch_id: str) -> httpx2.Response:
        return self._client.post(f"{ENDPOINT}/{batch_id}/halt").raise_for_status()

    def _is_match(self, batch: Batch, intent: Intent) -> bool:
        return batch.metadata["name"] == intent.token
