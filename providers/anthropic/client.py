"""Anthropic's Message Batches through the `anthropic` SDK."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import anthropic
import httpx2

from ...errors import RejectedError, ResultsGoneError
from ...models import Account, Batch, Intent
from ..base import Progress
from ..http.client import (
    check_base_url,
    check_batch_id,
    check_key,
    create_budget,
    http_options,
    key_name,
    timeout,
)
from ..http.download import ResultFile, save_results
from ..http.errors import Failures, is_known_absence
from ..http.listing import candidates, items
from ..http.status import check_ended, stop
from ..http.upload import RequestsBody
from .batch import read_batch
from .format import AnthropicFormat

__all__ = ["AnthropicProvider"]

_PATH = "/v1/messages/batches"


class AnthropicProvider(AnthropicFormat):
    """Batches of one Anthropic workspace; see `Provider` for what a method promises."""

    page_size = 1000

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        super().__init__(base_url)
        self.base_url = check_base_url(self.base_url)
        key = check_key(
            "Anthropic", api_key, "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"
        )
        self._client = anthropic.Anthropic(
            api_key=key,
            base_url=self.base_url,
            timeout=timeout(),
            open_telemetry=False,
            http_client=anthropic.DefaultHttpxClient(**http_options(transport)),
        )
        self._failures = Failures(
            vendor="Anthropic",
            key_name=key_name(api_key, "ANTHROPIC_API_KEY"),
            base_url=self.base_url,
            key=key,
            status_error=anthropic.APIStatusError,
            connection_error=anthropic.APIConnectionError,
        )

    def account(self) -> Account:
        """Look at the account; one call."""
        response = self._page(None, 1)
        newest = next(items(lambda _: self._failures.page_of(response)), None)
        return Account(
            base_url=self.base_url,
            organization=response.headers.get("anthropic-organization-id"),
            project=response.headers.get("anthropic-workspace-id"),
            newest_batch_id=newest["id"] if newest else None,
        )

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
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(body.length),
        }
        with self._failures.creating():
            # The SDK's own `create` takes every request as an object.
            response = self._client.post(
                _PATH,
                cast_to=httpx2.Response,
                content=body,
                options={"headers": headers, "max_retries": 0, "timeout": limits},
            )
        return read_batch(self._failures.created(response))

    def find(self, intent: Intent) -> list[Batch]:
        """Return the batches after the baseline with as many requests."""
        return candidates(
            self._walk(self.page_size, complete=True),
            intent,
            lambda batch: batch.counts.total in {None, intent.requests},
        )

    def retrieve(self, batch_id: str) -> Batch:
        """Return the batch as it is now."""
        check_batch_id(batch_id)
        what = f"look at batch {batch_id}"
        with self._failures.about(batch_id), self._failures.calling(what):
            answer = self._client.messages.batches.with_raw_response.retrieve(batch_id)
        return read_batch(self._failures.object_of(answer.http_response, what))

    def list(self, limit: int) -> Iterator[Batch]:
        """Yield up to `limit` batches, newest first."""
        yield from islice(self._walk(min(limit, self.page_size)), limit)

    def cancel(self, batch_id: str) -> Batch:
        """Ask Anthropic to stop the batch."""
        return stop(batch_id, self._cancel, self.retrieve)

    def download(
        self, batch: Batch, path: Path, progress: Progress | None = None
    ) -> int:
        """Write the result lines, fetched from our own base URL.

        `results_url` is never followed: it may name a host that must not see the key.
        """
        check_ended(batch)
        gone = (
            f"Anthropic no longer has the results of batch {batch.id}: it keeps them"
            " for 29 days. Only sending its requests again brings answers."
        )
        if batch.archived_at or batch.results_url is None:
            raise ResultsGoneError(gone)
        name = f"The result of batch {batch.id}"

        def tell(done_bytes: int) -> None:
            if progress:
                progress(done_bytes, None)

        def fetch(results: ResultFile) -> None:
            try:
                with closing(self._results(batch.id)) as response:
                    results.add(response, name=name, progress=tell)
            except RejectedError as exc:
                if not is_known_absence(exc):
                    raise
                raise ResultsGoneError(gone, exc.status, exc.code) from exc

        return save_results(path, fetch, batch.counts.total or 0, name)

    def _walk(self, size: int, *, complete: bool = False) -> Iterator[Batch]:
        def fetch(after: str | None) -> dict[str, Any]:
            return self._failures.page_of(self._page(after, size))

        yield from map(read_batch, items(fetch, complete=complete))

    def _page(self, after: str | None, limit: int) -> httpx2.Response:
        with self._failures.calling("list the batches"):
            return self._client.messages.batches.with_raw_response.list(
                after_id=after or anthropic.omit, limit=limit
            ).http_response

    def _cancel(self, batch_id: str) -> Batch:
        what = f"cancel batch {batch_id}"
        with self._failures.about(batch_id), self._failures.calling(what):
            answer = self._client.messages.batches.with_raw_response.cancel(batch_id)
        return read_batch(self._failures.object_of(answer.http_response, what))

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
