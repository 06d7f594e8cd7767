"""The interface between batchwright and a batch API.

A `Format` is the wire format alone: it encodes, decodes and knows the limits, without a
key and without the vendor's SDK. A `Provider` is a format that can also call the API.
The rest of the package uses these two and the `Vendor` record, and never an SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..models import (
    Account,
    Batch,
    BatchResult,
    Intent,
    LineError,
    Messages,
    RequestTemplate,
)

__all__ = [
    "WARNING",
    "WRONG_PROVIDER",
    "Encode",
    "Format",
    "Limits",
    "Progress",
    "Provider",
]

Encode = Callable[[str, Messages], bytes]
"""`(custom_id, messages)` to one request line with its newline."""

WRONG_PROVIDER = "wrong_provider"
"""The code of a `LineError` about a request that is written for another provider."""

WARNING = "warning"
"""The code of a `LineError` that may be wrong: the request is sent all the same."""

Progress = Callable[[int, int | None], None]
"""Called with bytes done and bytes in all (None: not known), many times."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one batch may hold; a larger job becomes several batches."""

    min_requests: int = 1
    max_requests: int
    max_bytes: int
    """Of the request file as UTF-8 with newlines. "200 MB" is read as 200,000,000."""
    source: str
    """URL of the page that says so, and the date it was read."""


class Format(Protocol):
    """A provider's wire format: needs no key, no network and no SDK."""

    name: str
    limits: Limits

    def restore(self, source: dict[str, Any], answer: Any) -> Any:
        """Bring a decoded answer back into the shape of the source JSON Schema.

        Some schemas have to be sent in another shape that this vendor can express.
        """
        ...

    def encoder(self, template: RequestTemplate) -> Encode:
        """Encode once what is constant; the result is called for each row.

        Raises:
            SchemaError: The answer schema cannot be expressed.
            InputError: A parameter that this model is known to refuse.
        """
        ...

    def extend(self, line: bytes, custom_id: str, messages: Messages) -> bytes:
        """Return the request line with a new id and `messages` appended."""
        ...

    def check(self, line: bytes) -> tuple[str | None, str | None, list[LineError]]:
        """Check one request line as the provider would.

        Returns:
            Its `custom_id`, its model, and every problem, without line numbers.
        """
        ...

    def endpoint(self, line: bytes) -> str:
        """Return the endpoint that a request line is meant for."""
        ...

    def decode(self, line: bytes) -> BatchResult:
        """Decode one result line; a bad line is a result, never an exception."""
        ...


class Provider(Format, Protocol):
    """A batch API. Holds a client and no job state.

    Any process that knows a batch ID can go on with the batch. The create call is sent
    once; other calls may be retried. What fails is a `ProviderError`, whose `retryable`
    says whether waiting can help; exceptions of an SDK are never raised.
    """

    base_url: str
    page_size: int
    """Batches that one call of `list` brings at most."""

    def ask(self, line: bytes, *, model: str | None = None) -> bytes:
        """Send one request now, at the full price, and wait for its answer.

        May be retried, and is then perhaps billed twice; at most one answer is used.
        Several threads may ask at once.

        Args:
            line: A request line, as `encoder` makes it.
            model: Its model, where it does not name it.

        Returns:
            A result line as a batch would hold it, with the request's `custom_id` and
            without a newline. What the API refuses about the request itself is a
            line too, whose outcome is `errored`.

        Raises:
            ProviderError: The account, the model, the rate or the network is the
                reason; `retry_after_seconds` is what the API asks for.
            InputError: This is no request line.
        """
        ...

    def account(self) -> Account:
        """Look at the account: whose it is, and its newest batch. One call."""
        ...

    def upload(
        self,
        requests_path: Path,
        progress: Progress | None = None,
        *,
        earlier: str | None = None,
    ) -> str | None:
        """Send the request file ahead of the batch, where the API wants that.

        Safe to repeat: a second upload is a file that expires, never a batch.

        Args:
            requests_path: The request file.
            progress: Told of bytes sent.
            earlier: An upload of the same bytes, which is taken while it exists.

        Returns:
            The file's ID; None where `create` itself carries the requests.
        """
        ...

    def create(
        self, requests_path: Path, intent: Intent, progress: Progress | None = None
    ) -> Batch:
        """Create the batch that `intent` claims; it is billed from here on.

        Sent exactly once. Not idempotent: a second call is a second batch.

        Raises:
            CreationUnknownError: The batch may exist; only `find` can tell.
            RejectedError: The API refused, so there is no batch.
        """
        ...

    def find(self, intent: Intent) -> list[Batch]:
        """Return the batches that a lost create call may have made.

        Newest first, from one complete listing; an empty result proves nothing yet.
        Whether a match is proof is said by the vendor's `creation`. Where it is not,
        candidates are all batches newer than the baseline that may be the one, and the
        caller has to tell them apart.
        """
        ...

    def retrieve(self, batch_id: str) -> Batch:
        """Return the batch as the API reports it now.

        Raises:
            UnknownBatchError: No such batch under this key.
        """
        ...

    def list(self, limit: int) -> Iterator[Batch]:
        """Yield up to `limit` batches, newest first, page by page."""
        ...

    def cancel(self, batch_id: str) -> Batch:
        """Ask the API to stop. A batch that already ended is returned as it is."""
        ...

    def download(
        self, batch: Batch, path: Path, progress: Progress | None = None
    ) -> int:
        """Write every raw result line, output and error lines alike, to `path`.

        The lines are checked against the provider's byte and line counts where it
        gives them. After an error the file is not whole, so the caller gives a
        temporary name and renames the file after the call.

        Returns:
            The number of lines.

        Raises:
            BatchNotEndedError: Requests are still running.
            DownloadCutError: Less arrived than the provider holds.
            ResultsGoneError: The provider does not show all of them; `path` has the
                lines that it shows.
        """
        ...
