"""What the author of a vendor gives to the test suite, and helpers for its tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

import pytest

from ...models import Outcome, RequestTemplate
from ..base import Provider
from ..vendors import get_provider, get_vendor

__all__ = ["Example", "Hooks", "VendorServer"]


class VendorServer(Protocol):
    """The vendor's API for tests; it must outlive clients that are killed."""

    def environment(self) -> dict[str, str]:
        """Return the variables that send a client here, to an account of its own."""
        ...

    def settle(self) -> None:
        """Return once all batches have ended."""
        ...

    def first_ids(self) -> list[str]:
        """Return the `custom_id` of the first request of every batch ever created."""
        ...

    def fail_request(self) -> None:
        """Let one request of the next batch fail in a way that is worth a retry."""
        ...

    def refuse_to_answer(self, status: int) -> None:
        """Answer all requests that are asked at once with this HTTP status.

        In the form of the vendor's errors, with the header `retry-after: 0.01`.
        """
        ...

    def lose_answer(self, *, created: bool) -> None:
        """Let the next create call end without an answer.

        Args:
            created: Whether a batch is created all the same.
        """
        ...


@dataclass(frozen=True)
class Example:
    """A result line of the vendor for request `row-1`, and what it means."""

    outcome: Outcome
    line: bytes
    retryable: bool = False


class Hooks:
    """What a subclass sets; each test of the suite starts from it."""

    vendor: ClassVar[str]
    """The vendor's name."""
    model: ClassVar[str]
    """A model's name, without the vendor's."""
    examples: ClassVar[Sequence[Example]]
    """Result lines: succeeded, errored for good, errored for now, and all others that
    the vendor has."""

    @pytest.fixture
    def server(self) -> Iterator[VendorServer]:
        """Run the vendor's API for one test; a subclass must override it."""
        raise NotImplementedError

    @pytest.fixture
    def provider(
        self, server: VendorServer, monkeypatch: pytest.MonkeyPatch
    ) -> Provider:
        """Return a client in an account of its own."""
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        return get_provider(self.vendor)

    def template(self, **facts: Any) -> RequestTemplate:
        """Return what the requests of a test share."""
        endpoint = get_vendor(self.vendor).endpoint_for(self.model)
        return RequestTemplate(
            model=self.model, endpoint=endpoint, max_tokens=100, **facts
        )

    def write_requests(self, provider: Provider, path: Path, count: int) -> Path:
        """Write a request file with the custom_ids `row-0`, `row-1` and so on."""
        encode = provider.encoder(self.template())
        path.write_bytes(
            b"".join(
                encode(f"row-{row}", [{"role": "user", "content": f"Say {row}."}])
                for row in range(count)
            )
        )
        return path
