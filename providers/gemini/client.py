"""Gemini's batches over plain HTTP, with the conventions of `google-genai` for keys.

The SDK leaves out how many requests of a batch are done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import msgspec
import orjson

from ...errors import (
    AccessError,
    BatchFailedError,
    InputError,
    RejectedError,
    ResultsGoneError,
)
from ...models import Batch, BatchStatus, Intent
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
from ..http.wire import as_mapping, as_text, read_object
from ..lines import object_of
from ..vendor import Vendor
from .batch import NAME, read_batch
from .check import is_embedding
from .format import GeminiFormat
from .record import EMBEDDINGS, GEMINI
from .upload import send_file

__all__ = ["GeminiProvider"]

_CREATE = {EMBEDDINGS: "asyncBatchEmbedContent"}
"""The method that makes a batch, by endpoint."""


_ABSENT = "may not exist"
"""How Gemini forbids to look at a file that is gone."""


class GeminiProvider(HttpClient, GeminiFormat):
    """Batches of one project; see `Provider` for what each method promises."""

    page_size = 100

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        vendor: Vendor = GEMINI,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        GeminiFormat.__init__(self, base_url, vendor=vendor)
        HttpClient.__init__(
            self,
            self.vendor,
            self.base_url,
            api_key,
            status_error=httpx2.HTTPStatusError,
            connection_error=httpx2.TransportError,
            id_member="name",
        )
        self._client = httpx2.Client(
            base_url=self.base_url,
            headers={"x-goog-api-key": self._failures.key},
            timeout=timeout(),
            follow_redirects=True,
            **http_options(self.base_url, transport),
        )

    def ask(self, line: bytes, *, model: str | None = None) -> bytes:
        """Send one request now; see `Provider.ask`."""
        del model  # The line names it.
        key, content = parts_of(line, "key", "request")
        path = _model_path(object_of(content), "This request line")
        path += ":embedContent" if is_embedding(line) else ":generateContent"
        members = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        del members["model"]  # it is in the path
        body = msgspec.json.encode(members)
        status, answer = ask(self._failures, self._post, path, body)
        if status == httpx2.codes.OK:
            return b'{"key":%b,"response":%b}' % (key, answer)
        error = object_of(answer).get("error", {"code": status})
        return b'{"key":%b,"error":%b}' % (key, orjson.dumps(error))

    def upload(
        self,
        requests_path: Path,
        progress: Progress | None = None,
        *,
        earlier: str | None = None,
    ) -> str:
        """Upload the request file in parts; Gemini deletes it after 48 hours."""
        if earlier and self._is_there(earlier, requests_path.stat().st_size):
            return earlier
        what = "upload the request file"
        with self._failures.calling(what):
            response = send_file(self._client, requests_path, progress)
        file = as_mapping((read_object(response) or {}).get("file"))
        if (name := as_text(file.get("name"))) is None:
            raise self._failures.unexpected(response, what)
        return name

    def create(
        self, requests_path: Path, intent: Intent, progress: Progress | None = None
    ) -> Batch:
        """Create the batch of an uploaded file, named by the token. Not idempotent."""
        with requests_path.open("rb") as file:
            request = object_of(file.readline()).get("request")
        path = _model_path(request, f"{requests_path}, line 1") + ":"
        path += _CREATE.get(intent.endpoint, "batchGenerateContent")
        file_name = intent.input_file_id or self.upload(requests_path, progress)
        body = {NAME: intent.token, "inputConfig": {"fileName": file_name}}
        limits, _ = create_budget()
        with self._failures.creating():
            response = self._client.post(path, json={"batch": body}, timeout=limits)
            response.raise_for_status()
        return self._read(self._failures.created(response))

    def find(self, intent: Intent) -> list[Batch]:
        """Return the batches that carry the token, from the whole list.

        No page says in which order the list is, so that it is never read in part.
        """
        batches = self._walk(self.page_size, complete=True)
        return [batch for batch in batches if self._is_match(batch, intent)]

    def retrieve(self, batch_id: str) -> Batch:
        """Return the batch as it is now; its ID may be given as `batches/ID`."""
        return super().retrieve(batch_id.removeprefix("batches/"))

    def cancel(self, batch_id: str) -> Batch:
        """Ask the API to stop a batch, which it then may still call running."""
        batch = super().cancel(batch_id.removeprefix("batches/"))
        if batch.status is not BatchStatus.IN_PROGRESS:
            return batch
        return batch.model_copy(update={"status": BatchStatus.CANCELLING})

    def download(
        self, batch: Batch, path: Path, progress: Progress | None = None
    ) -> int:
        """Write the lines of the result file; none if the batch expired."""
        check_ended(batch)
        file_name, counts = batch.output_file_id, batch.counts
        if file_name is None and batch.status is BatchStatus.FAILED:
            said = "; ".join(error.message for error in batch.errors)
            raise BatchFailedError(
                f"Gemini refused batch {batch.id}, so nothing ran:"
                f" {said or 'no reason given'}"
            )
        has_expired = batch.provider_status.endswith("EXPIRED")

        def tell(done_bytes: int) -> None:
            if progress:
                progress(done_bytes, None)

        def fetch(results: ResultFile) -> None:
            if file_name is not None:
                self._fetch(file_name, results, tell)
            elif counts.done and not has_expired:
                raise ResultsGoneError(
                    f"Batch {batch.id} is {batch.provider_status}, but does not name"
                    " its result file."
                )

        promised = 0 if has_expired else counts.done
        return save_results(path, fetch, promised, f"The result of batch {batch.id}")

    def _fetch(self, file_name: str, results: ResultFile, tell: Any) -> None:
        gone = (
            f"Gemini does not show result file {file_name}. If it was deleted, only"
            " sending its requests again brings answers."
        )
        path = f"{quote(file_name)}:download"
        try:
            with (
                self._failures.downloading(gone),
                self._failures.calling(f"download {file_name}"),
                self._client.stream("GET", path, params={"alt": "media"}) as response,
            ):
                if response.is_error:
                    response.read()  # what it says becomes the error
                response.raise_for_status()
                results.add(response, name=f"File {file_name}", progress=tell)
        except AccessError as exc:
            if _ABSENT not in str(exc):
                raise
            raise ResultsGoneError(gone, exc.status, exc.code) from exc

    def _is_there(self, file_name: str, size_bytes: int) -> bool:
        """Whether an uploaded file still exists, whole; an absent one is forbidden."""
        what = f"look at {file_name}"
        try:
            with self._failures.calling(what):
                response = self._get(quote(file_name))
        except RejectedError:
            return False
        found = self._failures.object_of(response, what)
        return str(found.get("sizeBytes")) == str(size_bytes)

    def _read(self, body: Mapping[str, Any]) -> Batch:
        return read_batch(body, self.name)

    def _page_of(self, response: httpx2.Response) -> dict[str, Any]:
        """Return a page of the list with the members that all vendors' pages have."""
        page = read_object(response)
        batches = None if page is None else page.get("operations", [])
        if page is None or not isinstance(batches, list):
            raise self._failures.unexpected(response, "list the batches")
        data = [
            {**each, "id": name.removeprefix("batches/")}
            for each in map(as_mapping, batches)
            if (name := as_text(each.get("name")))
        ]
        return {"data": data, "paging": {"next_cursor": page.get("nextPageToken")}}

    def _post(
        self, path: str, *, content: bytes, options: Mapping[str, Any], **_: Any
    ) -> httpx2.Response:
        call = self._client.post(path, content=content, headers=options["headers"])
        return call.raise_for_status()

    def _get(self, path: str, **params: Any) -> httpx2.Response:
        return self._client.get(path, params=params).raise_for_status()

    def _list(self, after: str | None, limit: int) -> httpx2.Response:
        token = {"pageToken": after} if after else {}
        return self._get("batches", pageSize=limit, **token)

    def _retrieve(self, batch_id: str) -> httpx2.Response:
        return self._get(f"batches/{quote(batch_id, safe='')}")

    def _cancel(self, batch_id: str) -> httpx2.Response:
        path = f"batches/{quote(batch_id, safe='')}"
        self._client.post(f"{path}:cancel", json={}).raise_for_status()
        return self._get(path)

    def _is_match(self, batch: Batch, intent: Intent) -> bool:
        return batch.metadata.get(NAME) == intent.token


def _model_path(request: Any, where: str) -> str:
    """Return the path of the model that a request is for."""
    model = as_mapping(request).get("model")
    if not isinstance(model, str) or not model:
        raise InputError(
            f"{where}: the request has no `model`, which says whose batch it is part"
            " of."
        )
    return quote(model if "/" in model else f"{GEMINI.model_path}{model}")
