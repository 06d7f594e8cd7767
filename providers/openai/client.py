"""The OpenAI Batch API, and services that imitate it, through the `openai` SDK."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import openai

from ...errors import (
    AccessError,
    BatchFailedError,
    InputError,
    RejectedError,
    ResultsGoneError,
    UnreachableError,
)
from ...models import Batch, BatchStatus, Intent
from ...settings import get_settings
from ..base import Progress
from ..http.asking import ask, parts_of
from ..http.client import (
    HttpClient,
    check_ended,
    create_budget,
    http_options,
    timeout,
)
from ..http.download import ResultFile, save_results
from ..http.upload import UploadFile
from ..http.wire import as_int, as_text
from ..lines import object_of
from .batch import promised_lines, read_batch, refusal
from .endpoints import REQUIRED
from .format import OpenAIFormat
from .record import OPENAI, Dialect

__all__ = ["OpenAIProvider", "model_of"]


_FILE_PAUSES = (0.5, 1, 2, 4, *[5] * 60)
_FILE_FAILED = frozenset({"error", "failed", "deleted"})


class OpenAIProvider(HttpClient, OpenAIFormat):
    """Batches of one OpenAI project; see `Provider` for what each method promises."""

    page_size = 100
    # `created_at` has whole seconds, so batches of the baseline's second may follow it.
    _ties = timedelta(minutes=10)
    _organization_header = "openai-organization"
    _project_header = "openai-project"

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        vendor: Dialect = OPENAI,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        OpenAIFormat.__init__(self, base_url, vendor=vendor)
        HttpClient.__init__(
            self,
            self.vendor,
            self.base_url,
            api_key,
            status_error=openai.APIStatusError,
            connection_error=openai.APIConnectionError,
        )
        self._client = openai.OpenAI(
            api_key=self._failures.key,
            base_url=self.base_url,
            timeout=timeout(),
            http_client=openai.DefaultHttpxClient(
                **http_options(self.base_url, transport)
            ),
        )

    def ask(self, line: bytes, *, model: str | None = None) -> bytes:
        """Send one request now; see `Provider.ask`."""
        del model  # The line names it.
        custom_id, content = parts_of(line, "custom_id", "body")
        endpoint = self.endpoint(line)
        if endpoint not in REQUIRED:
            raise InputError(f"This request line has an unknown `url`: {endpoint!r}.")
        path = endpoint.removeprefix(OPENAI.url_prefix)
        status, body = ask(self._failures, self._client.post, path, content)
        return (
            b'{"id":"realtime","custom_id":%b,"response":{"status_code":%d,'
            b'"request_id":null,"body":%b},"error":null}' % (custom_id, status, body)
        )

    def upload(
        self,
        requests_path: Path,
        progress: Progress | None = None,
        *,
        earlier: str | None = None,
    ) -> str:
        """Upload the request file; it is deleted after `upload_expires_days`."""
        if earlier and self._size_bytes(earlier) == requests_path.stat().st_size:
            file_id = earlier
        else:
            file_id = self._send_file(requests_path, progress)
        if self.vendor.waits_for_file:
            self._wait_for_file(file_id)
        return file_id

    def create(
        self, requests_path: Path, intent: Intent, progress: Progress | None = None
    ) -> Batch:
        """Create the batch of an uploaded file. Not idempotent."""
        file_id = intent.input_file_id or self.upload(requests_path, progress)
        limits, _ = create_budget()
        client = self._client.with_options(max_retries=0, timeout=limits)
        metadata = {**intent.metadata, self.vendor.token_name: intent.token}
        window = intent.completion_window or self.vendor.completion_windows[0]
        own: dict[str, Any] = {}
        if self.vendor.creation == "key":
            own["idempotency_key"] = intent.token
        if self.vendor.request_params:
            own["request_params"] = {"model": model_of(requests_path)}
        with self._failures.creating():
            answer = client.batches.with_raw_response.create(
                completion_window=cast("Any", window),
                endpoint=cast("Any", self._url(intent.endpoint)),
                input_file_id=file_id,
                metadata=metadata if self.vendor.keeps_metadata else openai.omit,
                extra_body=own,
            )
        body = self._failures.created(answer.http_response, self.vendor.created_in)
        return self._read(body)

    def download(
        self, batch: Batch, path: Path, progress: Progress | None = None
    ) -> int:
        """Write the lines of the output file, then those of the error file."""
        check_ended(batch)
        ids = [name for name in (batch.output_file_id, batch.error_file_id) if name]
        if not ids and batch.status is BatchStatus.FAILED:
            raise BatchFailedError(refusal(batch, self.vendor.title))
        counts = batch.counts
        unnamed = (counts.succeeded and not batch.output_file_id) or (
            counts.done and not ids
        )
        sizes = {file_id: self._size_bytes(file_id) for file_id in ids}
        known = [size for size in sizes.values() if size is not None]
        total_bytes = sum(known) if len(known) == len(sizes) else None

        def tell(done_bytes: int) -> None:
            if progress:
                progress(done_bytes, total_bytes)

        def fetch(results: ResultFile) -> None:
            gone: list[str] = []
            if unnamed:
                gone.append(
                    f"Batch {batch.id} is {batch.provider_status}, but does not name"
                    " all its result files."
                )
            for file_id, size in sizes.items():
                try:
                    self._fetch(file_id, size, results, tell)
                except ResultsGoneError as exc:
                    gone.append(str(exc))
            if gone:
                raise ResultsGoneError(gone[0], httpx2.codes.NOT_FOUND)

        name = f"The result of batch {batch.id}"
        return save_results(path, fetch, promised_lines(batch), name)

    def _read(self, body: Mapping[str, Any]) -> Batch:
        return read_batch(body, self.name)

    def _list(self, after: str | None, limit: int) -> httpx2.Response:
        by_cursor = self.vendor.pager == "cursor" and after
        return self._client.batches.with_raw_response.list(
            after=openai.omit if by_cursor else after or openai.omit,
            limit=limit,
            extra_query={"cursor": after} if by_cursor else None,
        ).http_response

    def _retrieve(self, batch_id: str) -> httpx2.Response:
        return self._client.batches.with_raw_response.retrieve(batch_id).http_response

    def _cancel(self, batch_id: str) -> httpx2.Response:
        return self._client.batches.with_raw_response.cancel(batch_id).http_response

    def _is_match(self, batch: Batch, intent: Intent) -> bool:
        same_file = batch.input_file_id == (intent.input_file_id or "")
        if self.vendor.creation == "candidates":
            return same_file or not batch.input_file_id
        return same_file or batch.metadata.get(self.vendor.token_name) == intent.token

    def _send_file(self, requests_path: Path, progress: Progress | None) -> str:
        what, days = "upload the request file", self.vendor.file_days
        kept: Any = openai.omit
        if days:
            seconds = 86_400 * min(
                max(get_settings().upload_expires_days, days[0]), days[1]
            )
            kept = {"anchor": "created_at", "seconds": seconds}
        with self._failures.calling(what), UploadFile(requests_path, progress) as file:
            answer = self._client.files.with_raw_response.create(
                file=(f"{requests_path.stem}.jsonl", file),
                purpose=cast("Any", self.vendor.file_purpose),
                expires_after=kept,
            )
        file_id: str = self._failures.object_of(answer.http_response, what)["id"]
        return file_id

    def _wait_for_file(self, file_id: str) -> None:
        """Wait until the service has read an uploaded file.

        Raises:
            RejectedError: It cannot use the file.
            UnreachableError: The file is not ready in time.
        """
        what = f"look at file {file_id}"
        pauses = iter(_FILE_PAUSES)
        while True:
            with self._failures.calling(what):
                answer = self._client.files.with_raw_response.retrieve(file_id)
            file = self._failures.object_of(answer.http_response, what)
            status = str(file.get("status") or "processed").lower()
            if status == "processed":
                return
            if status in _FILE_FAILED:
                said = as_text(file.get("status_details")) or "no reason given"
                raise RejectedError(
                    f"{self.vendor.title} cannot use the uploaded request file"
                    f" {file_id}: {said}."
                )
            pause = next(pauses, None)
            if pause is None:
                raise UnreachableError(
                    f"{self.vendor.title} still reads the uploaded request file"
                    f" {file_id}; try again later."
                )
            time.sleep(pause)

    def _size_bytes(self, file_id: str) -> int | None:
        """Return a file's size; None where the service does not tell."""
        what = f"look at file {file_id}"
        try:
            with self._failures.calling(what):
                answer = self._client.files.with_raw_response.retrieve(file_id)
        except AccessError:
            raise
        except RejectedError:
            return None
        return as_int(self._failures.object_of(answer.http_response, what).get("bytes"))

    def _fetch(
        self,
        file_id: str,
        size_bytes: int | None,
        results: ResultFile,
        progress: Callable[[int], None],
    ) -> None:
        gone = (
            f"{self.vendor.title} does not show result file {file_id}. If it was"
            " deleted or is older than 30 days, only sending its requests again brings"
            " answers."
        )
        with (
            self._failures.downloading(gone),
            self._failures.calling(f"download file {file_id}"),
            self._client.files.with_streaming_response.content(file_id) as answer,
        ):
            results.add(
                answer.http_response,
                name=f"File {file_id}",
                promised_bytes=size_bytes,
                progress=progress,
            )


def model_of(requests_path: Path) -> str:
    """Return the model of a request file's first line; all lines have one."""
    with requests_path.open("rb") as file:
        body = object_of(file.readline()).get("body")
    return str(body.get("model")) if isinstance(body, dict) else ""
