"""OpenRouter's batches, through the HTTP client of OpenAI's SDK.

The SDK of OpenRouter holds all requests, and all results of a batch, in memory.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import orjson

from ...errors import BatchFailedError, DownloadCutError
from ...models import Batch, BatchStatus, Intent
from ..base import Progress
from ..http.client import check_batch_id, check_ended, create_budget
from ..http.download import ResultFile, save_results
from ..http.upload import RequestsBody
from ..lines import load_result, object_of
from ..openai.batch import promised_lines, read_batch, refusal
from ..openai.client import OpenAIProvider
from ..openai.record import Dialect
from .record import OPENROUTER

__all__ = ["OpenRouterProvider"]

_PATH = "/batches"
_BLOCK_BYTES = 1 << 20


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool | None = None
    next_cursor: str | None = None


class OpenRouterProvider(OpenAIProvider):
    """Batches of one workspace; see `Provider` for what each method promises."""

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        vendor: Dialect = OPENROUTER,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, api_key, vendor=vendor, transport=transport)

    def upload(  # type: ignore[override]  # where OpenAI has a file ID, this has none
        self,
        requests_path: Path,
        progress: Progress | None = None,
        *,
        earlier: str | None = None,
    ) -> None:
        """Send nothing: `create` carries the requests."""

    def create(
        self, requests_path: Path, intent: Intent, progress: Progress | None = None
    ) -> Batch:
        """Create the batch, its requests streamed in the call. Not idempotent."""
        limits, seconds = create_budget()
        head = _head(requests_path, intent)
        body = RequestsBody(
            requests_path, seconds=seconds, progress=progress, head=head
        )
        with self._failures.creating():
            response = body.post(self._client, _PATH, limits)
        return self._read(self._failures.created(response))

    def download(
        self, batch: Batch, path: Path, progress: Progress | None = None
    ) -> int:
        """Write the result lines, page by page."""
        check_ended(batch)
        if batch.status is BatchStatus.FAILED:
            raise BatchFailedError(refusal(batch, self.vendor.title))
        gone = (
            f"OpenRouter does not show the results of batch {batch.id}. It keeps them"
            " for 30 days; after that, only sending its requests again brings answers."
        )
        what = f"download the results of batch {batch.id}"
        results_path = f"{_PATH}/{quote(check_batch_id(batch.id), safe='')}/results"

        def fetch(results: ResultFile) -> None:
            seen: set[str] = set()
            cursor: str | None = None
            while True:
                with self._failures.downloading(gone), self._failures.calling(what):
                    response = self._client.get(
                        results_path,
                        cast_to=httpx2.Response,
                        options={"params": {"cursor": cursor} if cursor else {}},
                    )
                page = _page_of(response.content)
                if page is None:
                    raise self._failures.unexpected(response, what)
                results.add_lines(b"".join(map(_line, page.data)))
                if progress:
                    progress(results.bytes, None)
                if not page.next_cursor or page.has_more is False:
                    return
                if page.next_cursor in seen:
                    raise DownloadCutError(
                        f"The result of batch {batch.id} came in pages without an end;"
                        " download it again."
                    )
                seen.add(cursor := page.next_cursor)

        name = f"The result of batch {batch.id}"
        return save_results(path, fetch, promised_lines(batch), name)

    def _read(self, body: Mapping[str, Any]) -> Batch:
        own = {"completed_at": body.get("finalized_at"), "errors": [body.get("error")]}
        return read_batch({**body, **own}, self.name)

    def _retrieve(self, batch_id: str) -> httpx2.Response:
        """Return the answer without the results, which an ended batch has inside."""
        raw = self._client.batches.with_streaming_response
        with raw.retrieve(batch_id) as answer, TemporaryFile() as file:
            for block in answer.http_response.iter_bytes(_BLOCK_BYTES):
                file.write(block)
            file.flush()
            content = b""
            if file.tell():
                with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                    content = _without_results(view)
        return httpx2.Response(answer.status_code, content=content)

    def _is_match(self, batch: Batch, intent: Intent) -> bool:
        """Whether endpoint and number of requests are the same, as far as shown.

        A batch that is not validated yet may not show how many it has.
        """
        counts = {None, intent.requests}
        if batch.status is BatchStatus.IN_PROGRESS:
            counts.add(0)
        same_endpoint = batch.endpoint in {None, intent.endpoint}
        return same_endpoint and batch.counts.total in counts


def _head(requests_path: Path, intent: Intent) -> bytes:
    """Return what comes before the requests, as the API reads it: in this order.

    The model is that of the first request, and so is `provider`, which chooses the
    upstream of a batch.
    """
    with requests_path.open("rb") as file:
        body = object_of(file.readline()).get("body")
    first = body if isinstance(body, dict) else {}
    about = {"endpoint": intent.endpoint, "model": first.get("model")}
    about["completion_window"] = OPENROUTER.completion_windows[0]
    if "provider" in first:
        about["provider"] = first["provider"]
    return orjson.dumps(about)[:-1] + b',"requests":['


def _without_results(answer: Any) -> bytes:
    """Return a batch object without its results; nothing where it is no object."""
    try:
        members = msgspec.json.decode(answer, type=dict[str, msgspec.Raw])
    except (ValueError, RecursionError):
        return b""
    members.pop("results", None)
    return msgspec.json.encode(members)


def _page_of(content: bytes) -> _Page | None:
    """Return a page of results; None where it is anything else.

    A line that is not strict JSON is kept all the same.
    """
    try:
        return msgspec.json.decode(content, type=_Page)
    except (ValueError, RecursionError):
        pass
    try:
        page, _ = load_result(content)
        data = [msgspec.Raw(json.dumps(each).encode()) for each in page["data"]]
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    cursor = page.get("next_cursor")
    return _Page(data, next_cursor=cursor if isinstance(cursor, str) else None)


def _line(raw: msgspec.Raw) -> bytes:
    line = bytes(raw)
    return (msgspec.json.format(line, indent=-1) if b"\n" in line else line) + b"\n"
