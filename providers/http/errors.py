"""Errors of calls, as our own exceptions.

The SDKs are built on httpx2 and raise the same kinds of error under names of their
own. No exception of theirs leaves `providers/`. Neither does the text of a key, which
APIs repeat in their answer when it is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import httpx2

from ...errors import (
    AccessError,
    BatchwrightError,
    CreationUnknownError,
    ProviderError,
    RejectedError,
    ResultsGoneError,
    UnknownBatchError,
    UnreachableError,
)
from ..vendor import Vendor
from ..vendors import vendors
from .wire import as_mapping, as_text, read_object, retry_after_seconds

__all__ = [
    "Failures",
    "reason",
]

# A gateway may answer these while the API behind it goes on working.
_UNSETTLED = frozenset({408, 409, 425, 499})
_PASSING = _UNSETTLED | {429}
# What is wrong with the request itself, in an answer of the API's own.
_ABOUT_REQUEST = frozenset({400, 413, 422})
# The sandbox's code for a full disk: nothing was done, and a person has to act first.
# A 507 without this code may come from any gateway, so it leaves open what happened.
_NO_ROOM = "insufficient_storage"
_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
)
_SPENT_CODES = frozenset(
    {
        "billing_error",
        "billing_hard_limit_reached",
        "enforced_spend_limit_reached",
        "insufficient_quota",
        "organization_on_hold",
    }
)
# An Anthropic workspace whose settings do not allow the call.
_SETTING_CODES = frozenset(
    {"human_review_not_available", "workspace_human_review_disabled"}
)
_KEY_WORDS = "api key not valid"  # how Gemini says it, with status 400
_SPENT_WORDS = ("specified api usage limits", "credit balance is too low")
# How OpenAI, FastAPI and Kong say that there is no such path.
_NO_ROUTE = ("Invalid URL", "Not Found", "no Route matched")
_KEY_LIKE = re.compile(r"\b(?:(?:sk|sess)-[\w*.-]{4,}|AIza[\w*.-]{8,})")
_CODES = ("status", "code", "type")
_MAX_MESSAGE = 1000


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Turns the exceptions of one vendor's SDK into ours."""

    vendor: Vendor
    key_name: str
    """What a person calls the key: `the key in OPENAI_API_KEY`."""
    base_url: str
    key: str = field(repr=False)
    id_member: str = "id"
    """What a batch object calls its ID."""
    status_error: type[Exception]
    """The SDK's error for an answer that is no success; it has `response`."""
    connection_error: type[Exception]
    """The SDK's error for no answer, whose cause is httpx2's; or httpx2's own."""

    @property
    def _no_answer(self) -> tuple[type[Exception], ...]:
        """httpx2's own as well: SDKs let it pass where an error's text is cut off."""
        return self.connection_error, httpx2.RequestError

    @contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """Raise our errors for the SDK's; `what` completes "could not ..."."""
        try:
            yield
        except self.status_error as exc:
            # The SDK's error holds the answer's text, so it is not chained.
            raise self._from_answer(what, _response(exc)) from None
        except self._no_answer as exc:
            raise self._from_no_answer(what, _cause(exc)) from exc

    @contextmanager
    def creating(self) -> Iterator[None]:
        """Raise our errors for the SDK's; only a clear refusal means "no batch"."""
        what = "create the batch"
        try:
            yield
        except self.status_error as exc:
            response = _response(exc)
            status = response.status_code
            refused = 400 <= status < 500 and status not in _UNSETTLED  # noqa: PLR2004
            if refused or self._details(response)[1] == _NO_ROOM:
                raise self._from_answer(what, response) from None
            self._creation_unknown(f"it answered HTTP {status}", status)
        except self._no_answer as exc:
            cause = _cause(exc)
            if isinstance(cause, (*_NEVER_SENT, BatchwrightError)):
                raise self._from_no_answer(what, cause) from exc
            self._creation_unknown(reason(cause))

    def of_request(self, call: Callable[[], httpx2.Response]) -> httpx2.Response:
        """Return a success of `call`, or the refusal of what it asks for."""
        with self.calling("answer a request"):
            try:
                return call()
            except self.status_error as exc:
                response = _response(exc)
                status, body = response.status_code, read_object(response)
                text, code = self._details(response)
                if status not in _ABOUT_REQUEST or body is None:
                    raise
                if self._advice(status, code, text or ""):
                    raise
                if text and text.startswith(_NO_ROUTE):
                    raise
                return response

    def _creation_unknown(self, why: str, status: int | None = None) -> NoReturn:
        """Say that a batch may or may not have been created."""
        raise CreationUnknownError(
            f"The call that creates the batch ended without a usable answer from"
            f" {self.base_url} ({why}), so the batch may exist; it is looked for before"
            " anything is sent again.",
            status,
        )

    def page_of(self, response: httpx2.Response) -> dict[str, Any]:
        """Return a page of a list, an object that has `data`."""
        body = read_object(response)
        if body is None or not isinstance(body.get("data", ...), list | None):
            raise self.unexpected(response, "list the batches")
        return body

    def object_of(self, response: httpx2.Response, what: str) -> dict[str, Any]:
        """Return the object of an answer, which has an ID."""
        body = read_object(response)
        if body is None or as_text(body.get(self.id_member)) is None:
            raise self.unexpected(response, what)
        return body

    def created(
        self, response: httpx2.Response, member: str | None = None
    ) -> dict[str, Any]:
        """Return the batch object that answers a create call, or a member of it."""
        body = read_object(response)
        if body is not None and member:
            body = body.get(member)
        if not isinstance(body, dict) or not as_text(body.get(self.id_member)):
            self._creation_unknown("no batch object in it", response.status_code)
        return body

    @contextmanager
    def about(self, batch_id: str) -> Iterator[None]:
        """Say within the block that a batch is unknown, when the API says so."""
        try:
            yield
        except RejectedError as exc:
            if not _is_known_absence(exc):
                raise
            hint = "check the ID, the key and its project"
            for other in vendors():
                prefixes = other.batch_id_prefixes
                if other.name != self.vendor.name and batch_id.startswith(prefixes):
                    hint = (
                        f"it looks like one of {other.title}'s: use --provider"
                        f" {other.name}"
                    )
                    break
            raise UnknownBatchError(
                f"{self.vendor.title} knows no batch {batch_id!r} under this key;"
                f" {hint}.",
                exc.status,
                exc.code,
            ) from exc

    @contextmanager
    def downloading(self, gone: str) -> Iterator[None]:
        """Say within the block that results are gone, when the API says so."""
        try:
            yield
        except RejectedError as exc:
            if not _is_known_absence(exc):
                raise
            raise ResultsGoneError(gone, exc.status, exc.code) from exc

    def _from_answer(self, what: str, response: httpx2.Response) -> ProviderError:
        status = response.status_code
        text, code = self._details(response)
        message = self._scrub(text or f"HTTP {status} without a message").rstrip(".")
        said = f"{self.vendor.title} could not {what} ({status}): {message}"
        wait_seconds = retry_after_seconds(response.headers)
        if advice := self._advice(status, code, message):
            return AccessError(f"{said}. {advice}", status, code)
        if status in _PASSING or (status >= 500 and code != _NO_ROOM):  # noqa: PLR2004
            text = f"{said}. Try again later."
            return UnreachableError(text, status, code, wait_seconds)
        if not text or text.startswith(_NO_ROUTE):
            said += f". Is {self.base_url} the right base URL?"
            return RejectedError(said, status)
        return RejectedError(f"{said}.", status, code or f"http_{status}")

    def _details(self, response: httpx2.Response) -> tuple[str | None, str | None]:
        """Return message and code of an answer's error."""
        body = as_mapping(read_object(response))
        error = body if self.vendor.has_flat_errors else body.get("error")
        if isinstance(error, str):
            return error, None
        members = as_mapping(error)
        code = as_mapping(members.get("details")).get("error_code")
        code = code or next(filter(None, map(members.get, _CODES)), None)
        code = code or response.headers.get("x-amzn-errortype", "").partition(":")[0]
        return as_text(members.get("message")), str(code) if code else None

    def _advice(self, status: int, code: str | None, message: str) -> str | None:
        """Return what a person has to do, where nothing else helps."""
        spent = code in _SPENT_CODES or any(
            words in message.lower() for words in _SPENT_WORDS
        )
        if status == httpx2.codes.UNAUTHORIZED or _KEY_WORDS in message.lower():
            return f"Check {self.key_name}."
        if spent or status == httpx2.codes.PAYMENT_REQUIRED:
            return "Check the account's credit and spend limit."
        if code in _SETTING_CODES:
            return "Change the workspace's settings, or use another workspace."
        if status == httpx2.codes.FORBIDDEN:
            return f"Check what {self.key_name} may do."
        return None

    def _from_no_answer(self, what: str, cause: BaseException) -> BatchwrightError:
        if isinstance(cause, BatchwrightError):
            return cause
        return UnreachableError(
            f"Could not {what}: {self.base_url} gave no answer"
            f" ({self._scrub(reason(cause))}). Check the address and the network."
        )

    def unexpected(self, response: httpx2.Response, what: str) -> UnreachableError:
        """Return the error for an answer of another shape than the API's."""
        return UnreachableError(
            f"{self.base_url} did not answer as {self.vendor.title} does when asked to"
            f" {what}; is the base URL right, or does a proxy stand in between?",
            response.status_code,
        )

    def _scrub(self, text: str) -> str:
        """Return a provider's text without keys, on one line and not too long."""
        text = _KEY_LIKE.sub("[key]", text.replace(self.key, "[key]"))
        return " ".join(text.split())[:_MAX_MESSAGE]


def _is_known_absence(exc: ProviderError) -> bool:
    """Whether this is the API saying that the thing asked for is not there.

    A 404 that is not in the API's own words comes from a wrong base URL, and a
    paid batch must not be given up for that.
    """
    return exc.status == httpx2.codes.NOT_FOUND and exc.code is not None


def reason(exc: BaseException) -> str:
    """Return why httpx2 gave up, in words."""
    if isinstance(exc, httpx2.TimeoutException):
        return "no answer in time"
    return str(exc) or type(exc).__name__


def _cause(exc: Exception) -> BaseException:
    """Return httpx2's error, which a vendor's SDK wraps."""
    return exc if isinstance(exc, httpx2.HTTPError) else exc.__cause__ or exc


def _response(exc: Exception) -> httpx2.Response:
    response = getattr(exc, "response", None)
    if not isinstance(response, httpx2.Response):
        raise TypeError(f"{type(exc).__name__} has no response") from exc
    return response
