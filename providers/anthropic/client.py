"""Anthropic's Message Batches through the `anthropic` SDK."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import anthropic
import httpx2

from ...errors import ResultsGoneError
from ...models import Batch, BatchStatus, Intent, RequestCounts
from ..base import Progress
from ..http.asking import ask, parts_of
from ..http.client import (
    HttpClient,
    check_batch_id,
    check_ended,
    create_budget,
    http_options,
    timeout,
)
from ..http.download import ResultFile, save_results
from ..http.upload import RequestsBody
from ..http.wire import as_int, as_mapping, as_status, as_text, as_time
from ..vendor import Vendor
from .format import AnthropicFormat
from .record import ANTHROPIC

__all__ = ["AnthropicProvider", "read_batch"]

_PATH = "/v1/messages/batches"
_STATUSES = {
    "in_progress": BatchStatus.IN_PROGRESS,
    "canceling": BatchStatus.CANCELLING,
    "ended": BatchStatus.ENDED,
}
_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")


class AnthropicProvider(HttpClient, AnthropicFormat):
    """Batches of one Anthropic workspace; see `Provider` for what a method promises."""

    page_size = 1000
    _organization_header = "anthropic-organization-id"
    _project_header = "anthropic-workspace-id"

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        vendor: Vendor = ANTHROPIC,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        AnthropicFormat.__init__(self, base_url, vendor=vendor)
        HttpClient.__init__(
            self,
            self.vendor,
            self.base_url,
            api_key,
            status_error=anthropic.APIStatusError,
            connection_error=anthropic.APIConnectionError,
        )
        self._client = self._connect(
            base_url=self.base_url,
            timeout=timeout(),
            open_telemetry=False,
            http_client=anthropic.DefaultHttpxClient(
                **http_options(self.base_url, transport)
            ),
        )

    def _connect(self, **options: Any) -> anthropic.Anthropic:
        """Return the SDK's client."""
        return anthropic.Anthropic(api_key=self._failures.key, **options)

    def ask(self, line: bytes, *, model: str | None = None) -> bytes:
        """Send one request now; see `Provider.ask`."""
        del model  # The line names it.
        custom_id, content = parts_of(line, "custom_id", "params")
        status, body = ask(self._failures, self._client.post, "/v1/messages", content)
        kind = b'"errored","error"'
        if status == httpx2.codes.OK:
            kind = b'"succeeded","message"'
        return b'{"custom_id":%b,"result":{"type":%b:%b}}' % (custom_id, kind, body)

    def upload(
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
        del intent  # Anthropic's batches carry nothing of ours.
        limits, seconds = create_budget()
        body = RequestsBody(requests_path, seconds=seconds, progress=progress)
        with self._failures.creating():
            response = body.post(self._client, _PATH, limits)
        return self._read(self._failures.created(response))

    def download(
        self, batch: Batch, path: Path, progress: Progress | None = None
    ) -> int:
        """Write the result lines, fetched from our own base URL.

        `results_url` is never followed: it may name a host that must not see the key.
        """
        check_ended(batch)
        gone = (
            f"Anthropic does not show the results of batch {batch.id}. It keeps them"
            " for 29 days; after that, only sending its requests again brings answers."
        )
        if batch.archived_at or batch.results_url is None:
            raise ResultsGoneError(gone)
        name = f"The result of batch {batch.id}"

        def tell(done_bytes: int) -> None:
            if progress:
                progress(done_bytes, None)

        def fetch(results: ResultFile) -> None:
            with (
                self._failures.downloading(gone),
                closing(self._results(batch.id)) as response,
            ):
                results.add(response, name=name, progress=tell)

        return save_results(path, fetch, batch.counts.total or 0, name)

    def _read(self, body: Mapping[str, Any]) -> Batch:
        return read_batch(body, self.name)

    def _list(self, after: str | None, limit: int) -> httpx2.Response:
        return self._client.messages.batches.with_raw_response.list(
            after_id=after or anthropic.omit, limit=limit
        ).http_response

    def _retrieve(self, batch_id: str) -> httpx2.Response:
        raw = self._client.messages.batches.with_raw_response
        return raw.retrieve(batch_id).http_response

    def _cancel(self, batch_id: str) -> httpx2.Response:
        raw = self._client.messages.batches.with_raw_response
        return raw.cancel(batch_id).http_response

    def _is_match(self, batch: Batch, intent: Intent) -> bool:
        return batch.counts.total in {None, intent.requests}

    def _results(self, batch_id: str) -> httpx2.Response:
        path = f"{_PATH}/{quote(check_batch_id(batch_id), safe='')}/results"
        with self._failures.calling(f"download the results of batch {batch_id}"):
            # With `stream` the SDK hands the answer over unread.
            response = self._client.get(
                path,
                cast_to=httpx2.Response,
                options={"headers": {"Accept": "application/binary"}},
                stream=True,
                stream_cls=anthropic.Stream[Any],
            )
        return cast("httpx2.Response", response)


def read_batch(body: Mapping[str, Any], provider: str) -> Batch:
    """Return the batch; only its ID must be there."""
    word = as_text(body.get("processing_status")) or "no status"
    counts = as_mapping(body.get("request_counts"))
    numbers = {name: as_int(counts.get(name)) for name in _COUNTS}
    known = [number for number in numbers.values() if number is not None]
    return Batch(
        id=body["id"],
        provider=provider,
        status=as_status(word, _STATUSES),
        provider_status=word,
        endpoint="/v1/messages",
        created_at=as_time(body.get("created_at")),
        ended_at=as_time(body.get("ended_at")),
        expires_at=as_time(body.get("expires_at")),
        counts=RequestCounts(
            total=sum(known) if len(known) == len(_COUNTS) else None,
            succeeded=numbers["succeeded"],
            errored=numbers["errored"],
            expired=numbers["expired"],
            cancelled=numbers["canceled"],
        ),
        results_url=as_text(body.get("results_url")),
        archived_at=as_time(body.get("archived_at")),
    )
