"""What all clients over HTTP share: address, key, listing, retrieving, cancelling."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Any, TypedDict

import httpx2

from ...errors import (
    AccessError,
    BatchNotEndedError,
    ProviderError,
    RejectedError,
    UnknownBatchError,
)
from ...models import Account, Batch, BatchStatus, Intent
from ...settings import get_settings
from ..address import checked_url
from ..vendor import Vendor
from .errors import Failures
from .keys import checked_key, key_name
from .listing import candidates, items
from .sending import check_late
from .wire import retry_after_seconds

__all__ = [
    "HttpClient",
    "HttpOptions",
    "check_batch_id",
    "check_ended",
    "create_budget",
    "http_options",
    "timeout",
]

_CONNECT_SECONDS = 10
_ENDED_ALREADY = frozenset({400, 409})
_LASTING = {httpx2.codes.CONFLICT, httpx2.codes.INSUFFICIENT_STORAGE}
_LONGEST_SLEEP_SECONDS = 120
_SENT_ANYWHERE = frozenset({"accept", "accept-encoding", "connection", "host"})
"""Headers that another host may see; all others may hold a key or name an account."""


class HttpClient(ABC):
    """Batches of one account, over HTTP; a vendor's client adds its own calls."""

    page_size: int
    _ties = timedelta()
    """How much older than the baseline a batch may be that was created after it."""
    _organization_header = ""
    _project_header = ""

    def __init__(
        self,
        vendor: Vendor,
        base_url: str,
        api_key: str | None,
        *,
        status_error: type[Exception],
        connection_error: type[Exception],
        id_member: str = "id",
    ) -> None:
        """Check address and key.

        Args:
            vendor: Whose API it is.
            base_url: Where it is.
            api_key: None takes the first of the vendor's variables that is set.
            status_error: The SDK's error for an answer that is no success.
            connection_error: The SDK's error for no answer.
            id_member: What a batch object calls its ID.

        Raises:
            InputError: `base_url` is no HTTP address, or holds a password.
            MissingKeyError: There is no key, or it is something that no key can be.
        """
        self.base_url = checked_url(base_url, vendor.base_url_variable)
        self._failures = Failures(
            vendor=vendor,
            key_name=key_name(vendor, api_key),
            base_url=self.base_url,
            key=checked_key(vendor, self.base_url, api_key),
            status_error=status_error,
            connection_error=connection_error,
            id_member=id_member,
        )

    def account(self) -> Account:
        """Look at the account; one call."""
        response = self._page(None, 1)
        newest = next(items(lambda _: self._page_of(response)), None)
        return Account(
            base_url=self.base_url,
            organization=response.headers.get(self._organization_header),
            project=response.headers.get(self._project_header),
            newest_batch_id=newest["id"] if newest else None,
        )

    def find(self, intent: Intent) -> list[Batch]:
        """Return the batches that a lost create call may have made; one listing."""
        batches = self._walk(self.page_size, complete=True)
        return candidates(
            batches, intent, lambda batch: self._is_match(batch, intent), self._ties
        )

    def list(self, limit: int) -> Iterator[Batch]:
        """Yield up to `limit` batches, newest first."""
        yield from islice(self._walk(min(limit, self.page_size)), limit)

    def retrieve(self, batch_id: str) -> Batch:
        """Return the batch as it is now."""
        return self._about(batch_id, self._retrieve, "look at")

    def cancel(self, batch_id: str) -> Batch:
        """Ask the API to stop a batch that still runs; return any other as it is.

        A batch may end between the look and the call, which is then refused.
        """
        batch = self.retrieve(batch_id)
        if batch.status is not BatchStatus.IN_PROGRESS:
            return batch
        vendor = self._failures.vendor
        if not vendor.can_cancel:
            raise RejectedError(
                f"{vendor.title} has no call that stops a batch: {batch.id} runs to its"
                " end."
            )
        try:
            return self._about(batch_id, self._cancel, "cancel")
        except ProviderError as exc:
            if exc.status not in _ENDED_ALREADY:
                raise
            batch = self.retrieve(batch_id)
            if batch.status is BatchStatus.IN_PROGRESS:
                raise
            return batch

    @abstractmethod
    def _read(self, body: Mapping[str, Any]) -> Batch:
        """Return the batch that the API's batch object describes."""

    @abstractmethod
    def _list(self, after: str | None, limit: int) -> httpx2.Response:
        """Return the page of the list that follows the batch `after`."""

    @abstractmethod
    def _retrieve(self, batch_id: str) -> httpx2.Response:
        """Return the answer to a look at a batch."""

    @abstractmethod
    def _cancel(self, batch_id: str) -> httpx2.Response:
        """Return the answer to a call that stops a batch."""

    @abstractmethod
    def _is_match(self, batch: Batch, intent: Intent) -> bool:
        """Whether a batch newer than the baseline may be the one of the intent."""

    def _page_of(self, response: httpx2.Response) -> dict[str, Any]:
        """Return a page of the list as an object with `data`."""
        return self._failures.page_of(response)

    def _walk(self, size: int, *, complete: bool = False) -> Iterator[Batch]:
        def fetch(after: str | None) -> dict[str, Any]:
            return self._page_of(self._page(after, size))

        yield from map(self._read, items(fetch, complete=complete))

    def _page(self, after: str | None, limit: int) -> httpx2.Response:
        with self._failures.calling("list the batches"):
            return self._list(after, limit)

    def _about(
        self, batch_id: str, call: Callable[[str], httpx2.Response], verb: str
    ) -> Batch:
        check_batch_id(batch_id)
        what = f"{verb} batch {batch_id}"
        with self._failures.about(batch_id), self._failures.calling(what):
            response = call(batch_id)
        return self._read(self._failures.object_of(response, what))


class HttpOptions(TypedDict, total=False):
    """Arguments of the SDKs' `DefaultHttpxClient`."""

    event_hooks: dict[str, list[Callable[[Any], None]]]
    transport: httpx2.BaseTransport


def http_options(base_url: str, transport: httpx2.BaseTransport | None) -> HttpOptions:
    """Return the options of the HTTP client; `transport` stands in for the network."""
    options: HttpOptions = {
        "event_hooks": {
            "request": [partial(_guard_redirect, httpx2.URL(base_url)), check_late],
            "response": [_limit_retries],
        }
    }
    if transport is not None:
        options["transport"] = transport
    return options


def _guard_redirect(base_url: httpx2.URL, request: httpx2.Request) -> None:
    """Follow a redirect to another host without the key, and only to read.

    httpx2 itself removes the header `Authorization` alone. Results may be on another
    host, which needs no key.
    """
    if request.url.origin == base_url.origin:
        return
    if request.method != "GET":
        raise AccessError(
            f"{base_url} redirects the call to {request.url.host}, which is not trusted"
            " with your data. Nothing was sent there; if it is the right host, set it"
            " as the base URL."
        )
    for name in list(request.headers):
        # The SDKs' own notes of a call, which they read back from it, hold no secret.
        if name not in _SENT_ANYWHERE and not name.startswith("x-stainless-"):
            del request.headers[name]


def _limit_retries(response: httpx2.Response) -> None:
    """Tell the SDK not to retry 409 and 507, and not to sleep over 120 s.

    A second call would get the same 409 or 507. Anthropic's SDK sleeps as long as
    `retry-after` says, however long; the caller gets an error with that time instead.
    """
    wait_seconds = retry_after_seconds(response.headers) or 0
    if response.status_code in _LASTING or wait_seconds > _LONGEST_SLEEP_SECONDS:
        response.headers["x-should-retry"] = "false"


def timeout() -> httpx2.Timeout:
    """Return how long a call may be silent."""
    seconds = get_settings().http_timeout_seconds
    return httpx2.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))


def create_budget() -> tuple[httpx2.Timeout, float]:
    """Return the limits of a create call, and how many seconds its body may take.

    Together they keep the whole call within the time-out: after it, another process may
    look for the batch of this claim and find none.
    """
    seconds = get_settings().http_timeout_seconds
    limits = httpx2.Timeout(
        connect=min(seconds / 10, _CONNECT_SECONDS),
        pool=seconds / 20,
        write=seconds / 10,
        read=seconds / 4,
    )
    return limits, seconds / 2


def check_batch_id(batch_id: str) -> str:
    """Return the ID, if it can be part of a path of the API.

    Raises:
        UnknownBatchError: No batch has such an ID.
    """
    if not batch_id.strip(".") or "/" in batch_id:
        raise UnknownBatchError(
            f"{batch_id!r} is no batch ID; `batchwright list` shows the account's."
        )
    return batch_id


def check_ended(batch: Batch) -> None:
    """Make sure that the results can be there.

    Raises:
        BatchNotEndedError: Requests are still running.
    """
    if batch.status.is_final:
        return
    total = batch.counts.total
    if batch.counts.done and total:
        far = f", with {batch.counts.done:,} of {total:,} requests done"
    else:
        far = f", with {total:,} requests" if total else ""
    raise BatchNotEndedError(
        f"Batch {batch.id} is still {batch.provider_status}{far}; download it once it"
        " has ended."
    )
