"""The interface between batchwright and a batch API.

A `Vendor` is a record of facts, cheap to read. A `Format` is the wire format alone: it
encodes, decodes and knows the limits, without a key and without the vendor's SDK. A
`Provider` is a format that can also call the API. The rest of the package uses these
three, and never an SDK.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

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
    "Vendor",
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
class Vendor:
    """All that the rest of the package may ask about a vendor, without loading it."""

    name: str
    """As `--provider` takes it; also the prefix in `NAME/MODEL`, and of the Prefect
    block type `NAME-credentials`."""
    title: str
    """As people write it: `OpenAI`."""
    sdk: str | None = None
    """The distribution that the client is built on; `doctor` shows its version."""
    key_variables: tuple[str, ...]
    """Environment variables that may hold the API key; the first is recommended."""
    secret_variables: tuple[str, ...] = ()
    """Environment variables with other secrets; `doctor` shows whether they are set."""
    base_url: str
    """Where the API is, unless `base_url_variable` is set."""
    base_url_variable: str
    endpoints: tuple[str, ...]
    """Paths of the API that batches can be made for; the first is the default."""
    endpoint_of_prefix: Mapping[str, str] = field(default_factory=dict)
    """Model name prefixes with another default endpoint."""
    model_prefixes: tuple[str, ...] = ()
    """Model names that begin so mean this vendor, without `NAME/` before them."""
    batch_id_prefixes: tuple[str, ...] = ()
    """How its batch IDs begin, for the hint that an ID is another vendor's."""
    creation: Literal["token", "key", "candidates"]
    """How a batch is found whose create call got no answer.

    `token`: the batch carries the intent's token, and shows it as a value of
    `Batch.metadata`, so what `find` returns is ours.
    `key`: the token is an idempotency key as well, so a second call makes no second
    batch. `candidates`: it carries nothing, so batches are created one at a time, and
    the `custom_id`s of the results prove which one is ours.
    """
    one_model_per_batch: bool = False
    one_endpoint_per_batch: bool = False
    keeps_metadata: bool = False
    """Whether key-value pairs can be stored with a batch."""
    price_id: str | None = None
    """The provider ID in genai-prices; None where prices are not known."""
    batch_discount: float = 0.5
    """What a batch costs, as a factor of the list price of each token."""
    completion_windows: tuple[str, ...] = ()
    """What may be asked for as the longest time a batch takes; the first is the
    default."""
    is_result: Callable[[bytes], bool]
    """Whether this is one of its result lines; called for a line of each file, and for
    each line with an error, so it must be fast on its own usual lines."""
    is_request: Callable[[dict[str, Any]], bool]
    """Whether this decoded request line is written for it."""
    format: str
    """`module:Class` of its `Format`, made with the base URL or None."""
    client: str
    """`module:Class` of its `Provider`, made with base URL and key (both optional)."""

    def endpoint_for(self, model: str) -> str:
        """Return the endpoint that a model is reached at by default."""
        for prefix, endpoint in self.endpoint_of_prefix.items():
            if model.startswith(prefix):
                return endpoint
        return self.endpoints[0]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one batch may hold; a larger job becomes several batches."""

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
