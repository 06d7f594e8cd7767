"""Every error that batchwright raises on purpose.

    BatchwrightError
      InputError             what the user gave cannot be used: file, row, option
        SchemaError          a response model that a provider cannot express
      MissingKeyError        no API key where the SDK looks for one
      ProviderError          the API refused, failed or could not be reached
        UnreachableError     no connection, or it broke: waiting can help
        RejectedError        the API refused the call for good (400, 404, 413, ...)
          UnknownBatchError  no batch with this ID for this key
          AccessError        the key is wrong, not allowed or out of money
        CreationUnknownError a create call without an answer: the batch may exist
        DownloadCutError     fewer bytes or lines arrived than were promised
        ResultsGoneError     the provider does not show the results, or not all
      BatchNotEndedError     requests are still running
      BatchFailedError       the API refused the batch's input, so nothing ran
      RunError               a run cannot go on as asked
        RunBusyError         another process works on it
        RunDiffersError      the directory holds another job
        RunFinishedError     it is done
        ScopeError           this key belongs to another account than the run
        BudgetError          the next batch does not fit under `max_cost_usd`
        CanaryError          too few of the first rows succeeded
        ServerStartError     Prefect's server did not start in this process

Messages say what happened, where, and what to do next. Every error survives
pickling, and `retryable` says whether doing the same again later can help.
"""

from __future__ import annotations

import errno
import re
import textwrap

__all__ = [
    "AccessError",
    "BatchFailedError",
    "BatchNotEndedError",
    "BatchwrightError",
    "BudgetError",
    "CanaryError",
    "CreationUnknownError",
    "DownloadCutError",
    "InputError",
    "MissingKeyError",
    "ProviderError",
    "RejectedError",
    "ResultsGoneError",
    "RunBusyError",
    "RunDiffersError",
    "RunError",
    "RunFinishedError",
    "SchemaError",
    "ScopeError",
    "ServerStartError",
    "UnknownBatchError",
    "UnreachableError",
    "in_one_line",
    "is_disk_full",
    "visible",
    "visible_line",
]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control a terminal, except tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the order of characters
    "\u200b\u2028\u2029\u2060-\u2065\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
    "\ud800-\udfff]"  # cannot be encoded
)


class BatchwrightError(Exception):
    """The base of all errors here; its text is one sentence for a person."""

    retryable: bool = False

    def __str__(self) -> str:
        return visible(str(self.args[0])) if self.args else ""


class InputError(BatchwrightError):
    """What the user gave cannot be used; the text names file, row and column."""


class SchemaError(InputError):
    """The provider cannot express this response model; the text names the field."""


class MissingKeyError(BatchwrightError):
    """No API key is set where the provider's SDK looks for one."""


class ProviderError(BatchwrightError):
    """The API refused the call, failed, or could not be reached.

    `status` is the HTTP status (None without an answer), `code` the provider's
    own word, `retry_after_seconds` what the answer asked for.
    """

    def __init__(
        self,
        message: str,
        status: int | None = None,
        code: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message, status, code, retry_after_seconds)
        self.status = status
        self.code = code
        self.retry_after_seconds = retry_after_seconds


class UnreachableError(ProviderError):
    """No connection, a broken one, 408, 429 or a 5xx: the same call may work later."""

    retryable = True


class RejectedError(ProviderError):
    """The API refused this call for good."""


class UnknownBatchError(RejectedError):
    """The provider knows no batch with this ID under this key."""


class AccessError(RejectedError):
    """401, 402, 403 or a spend stop: nothing works until a person acts."""


class CreationUnknownError(ProviderError):
    """A create call ended without a usable answer, so the batch may exist.

    Only `Provider.find` may settle it; the call is never repeated blindly.
    """

    retryable = True


class DownloadCutError(ProviderError):
    """Fewer bytes or lines arrived than the provider holds; download again."""

    retryable = True


class ResultsGoneError(ProviderError):
    """The provider does not show results that must exist, or not all of them.

    They may be shown later; or they expired, were deleted or archived.
    """


class BatchNotEndedError(BatchwrightError):
    """Requests are still running; ask again later."""

    retryable = True


class BatchFailedError(BatchwrightError):
    """The API refused the batch's input, so nothing ran and nothing was billed."""


class RunError(BatchwrightError):
    """A run cannot go on as asked."""


class RunBusyError(RunError):
    """Another process works on this run."""


class RunDiffersError(RunError):
    """The run directory holds another job."""


class RunFinishedError(RunError):
    """The run is done; its report is in the run directory."""


class ScopeError(RunError):
    """This key belongs to another account than the batches of the run."""


class BudgetError(RunError):
    """The next batch does not fit under `max_cost_usd`; nothing was sent."""


class CanaryError(RunError):
    """Too few of the first rows succeeded, so the rest was not sent."""


class ServerStartError(RunError):
    """Prefect's server, which this process needs, did not start."""


def in_one_line(text: object) -> str:
    """Return the text of an exception or a value as part of a sentence, cut if long."""
    return textwrap.shorten(str(text), 300, placeholder=" ...").rstrip(".")


def is_disk_full(exc: BaseException) -> bool:
    """Whether something failed because the disk it was written to is full."""
    return isinstance(exc, OSError) and exc.errno in _NO_ROOM


def visible(text: str) -> str:
    """Return text of others so that a terminal shows it and is not controlled by it.

    Characters that control it, change the reading order or are seen by nobody become
    escapes, as in a Python literal. Tabs and newlines stay.
    """
    return _INVISIBLE.sub(
        lambda found: found[0].encode("unicode_escape").decode(), text
    )


def visible_line(text: str) -> str:
    """Return the same on one line: its newlines and tabs become escapes too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")
