"""Together's files and batches, where they are not OpenAI's.

A file is uploaded in two steps, a create call answers with `job` and `warning`, and the
list is a bare array. Source: the `together` SDK, 3.1.1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import openai
import orjson

from ...errors import UnreachableError
from ..address import checked_url
from ..base import Progress
from ..http.client import timeout
from ..http.errors import reason
from ..http.upload import UploadFile
from ..http.wire import as_mapping, as_text, read_object
from .client import OpenAIProvider

__all__ = ["TogetherProvider"]


class TogetherProvider(OpenAIProvider):
    """Batches of one Together account."""

    def _send_file(self, requests_path: Path, progress: Progress | None) -> str:
        """Ask where the file may be put, put it there, and say that it is there."""
        what = "upload the request file"
        form = {
            "purpose": self.vendor.file_purpose,
            "file_name": f"{requests_path.stem}.jsonl",
            "file_type": "jsonl",
        }
        with self._failures.calling(what):
            place = self._place(form)
        if place.status_code == httpx2.codes.CONFLICT:  # these bytes are there already
            found = as_text(as_mapping(read_object(place)).get("file_id"))
            if found is None:
                raise self._failures.unexpected(place, what)
            return found
        url, file_id = map(place.headers.get, ("location", "x-together-file-id"))
        if not url or not file_id:
            raise self._failures.unexpected(place, what)
        self._put(checked_url(url), requests_path, progress)
        with self._failures.calling(what):
            self._client.post(f"/files/{file_id}/preprocess", cast_to=httpx2.Response)
        return file_id

    def _place(self, form: dict[str, str]) -> httpx2.Response:
        """Return the answer that redirects to where the file is put."""
        try:
            return self._client.post(
                "/files",
                cast_to=httpx2.Response,
                body=form,
                options={
                    "headers": {"Content-Type": "multipart/form-data"},
                    "follow_redirects": False,
                },
            )
        except openai.APIStatusError as exc:
            if exc.status_code not in {httpx2.codes.FOUND, httpx2.codes.CONFLICT}:
                raise
            return exc.response

    def _put(self, url: str, requests_path: Path, progress: Progress | None) -> None:
        """Send the file to a signed address, which may be of another host: no key."""
        size = str(requests_path.stat().st_size)
        try:
            with (
                UploadFile(requests_path, progress) as file,
                httpx2.Client(timeout=timeout()) as client,
            ):
                client.put(
                    url, content=file, headers={"Content-Length": size}
                ).raise_for_status()
        except httpx2.HTTPError as exc:
            raise UnreachableError(
                f"Could not upload the request file to the address that"
                f" {self.vendor.title} gave ({reason(exc)}). Try again later."
            ) from None

    def _page_of(self, response: httpx2.Response) -> dict[str, Any]:
        """Return the whole list."""
        try:
            jobs = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            jobs = None
        if not isinstance(jobs, list):
            return super()._page_of(response)
        jobs.sort(key=lambda job: str(as_mapping(job).get("created_at")), reverse=True)
        return {"data": jobs, "has_more": False}
