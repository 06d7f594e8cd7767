"""The record of a vendor: the facts that the rest of the package may ask for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Vendor"]

_NAMES = re.compile(r"\{([\w|]+)=?(\w*)\}")


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
    key_is_optional: bool = False
    """Whether a server may take calls without a key."""
    base_url: str
    """Where the API is, unless `base_url_variable` is set; empty: only that says it.
    `{NAME}`, `{NAME|OTHER}` and `{NAME=default}` stand for environment variables."""
    base_url_variable: str
    base_path: str = ""
    """What a base URL is completed with, where the vendor's own variable names the
    server alone."""
    endpoints: tuple[str, ...]
    """Paths of the API that batches can be made for; the first is the default."""
    endpoint_of_prefix: Mapping[str, str] = field(default_factory=dict)
    """Model name prefixes with another default endpoint."""
    model_prefixes: tuple[str, ...] = ()
    """Model names that begin so mean this vendor, without `NAME/` before them."""
    model_has_slash: bool = True
    """Whether the vendor's own model names may have a slash."""
    model_path: str = ""
    """What its API writes before a model's name, which may be given with it."""
    key_prefixes: tuple[str, ...] = field(default=(), repr=False)
    """How its keys begin, for the hint that a key is another vendor's."""
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
    names_model: bool = True
    """Whether a request line names its model, which is a parameter of the batch
    otherwise."""
    keeps_metadata: bool = False
    """Whether key-value pairs can be stored with a batch."""
    has_flat_errors: bool = False
    """Whether an error's `message` and `code` stand in the body itself, and not in an
    object `error`."""
    can_cancel: bool = True
    """Whether a batch that runs can be stopped."""
    price_id: str | None = None
    """The provider ID in genai-prices; None where prices are not known."""
    batch_price_suffix: str = ""
    """What a model's name ends with where its batch price is listed."""
    batch_discount: float | None = 0.5
    """What a batch costs, as a factor of the list price of each token, where no batch
    price is listed; None: not known."""
    completion_windows: tuple[str, ...] = ()
    """What may be asked for as the longest time a batch takes; the first is the
    default."""
    window_hours: tuple[int, int] | None = None
    """The shortest and the longest, where any number of hours or days between can be
    asked for, as `36h` or `2d`."""
    is_result: Callable[[bytes], bool]
    """Whether this is one of its result lines; called for a line of each file, and for
    each line with an error, so it must be fast on its own usual lines."""
    is_request: Callable[[dict[str, Any]], bool]
    """Whether this decoded request line is written for it."""
    format: str
    """`module:Class` of its `Format`, made with the base URL or None, and `vendor`."""
    client: str
    """`module:Class` of its `Provider`, made with base URL and key, both or None, and
    `vendor`."""
    source: str = ""
    """Where these facts are from."""
    checked: str = ""
    """The day on which the source was read."""
    guesses: tuple[str, ...] = ()
    """The fields, or other facts, that no page confirms."""

    def address(self, base_url: str | None = None) -> str:
        """Return where the API is: as given, as its variable says, or by default.

        Empty where nothing says it.
        """
        found = base_url or os.environ.get(self.base_url_variable) or self._default()
        is_whole = not found or found.rstrip("/").endswith(self.base_path)
        return found if is_whole else found.rstrip("/") + self.base_path

    def unset_variables(self) -> list[str]:
        """Return the variables without which its own address is not known."""
        values = self._values()
        return [name.partition("|")[0] for name in values if not values[name]]

    def _default(self) -> str:
        values = self._values()
        if not all(values.values()):
            return ""
        return _NAMES.sub(lambda found: values[found[1]], self.base_url)

    def _values(self) -> dict[str, str]:
        return {
            name: next(filter(None, map(os.environ.get, name.split("|"))), default)
            for name, default in _NAMES.findall(self.base_url)
        }

    def has_window(self, window: str) -> bool:
        """Whether a batch can be asked for that takes at most this long."""
        hours = self.hours_of(window)
        if window in self.completion_windows or not (self.window_hours and hours):
            return window in self.completion_windows
        shortest, longest = self.window_hours
        return shortest <= hours <= longest

    @staticmethod
    def hours_of(window: str) -> int | None:
        """Return how long a window like `36h` or `2d` is; None for any other word."""
        number, unit = window[:-1], window[-1:]
        if unit not in {"h", "d"} or not number.isdecimal():
            return None
        return int(number) * (24 if unit == "d" else 1)

    def endpoint_for(self, model: str) -> str:
        """Return the endpoint that a model is reached at by default."""
        for prefix, endpoint in self.endpoint_of_prefix.items():
            if model.startswith(prefix):
                return endpoint
        return self.endpoints[0]
