"""Tests of a client: batches created once, found, listed, cancelled, downloaded."""

# ruff: noqa: S101 - tests assert

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ...errors import (
    BatchNotEndedError,
    CreationUnknownError,
    InputError,
    ProviderError,
    UnknownBatchError,
)
from ...models import Batch, BatchStatus, Intent, Outcome
from ..base import Provider
from ..vendors import asker, get_vendor
from .hooks import Hooks, VendorServer

__all__ = ["ClientConformance"]


class ClientConformance(Hooks):
    """What must be true of a `Provider`."""

    def claim(self, provider: Provider, path: Path, token: str) -> Intent:
        """Look at the account, upload the file, return the intent."""
        return Intent(
            token=token,
            claimed_at=datetime.now(UTC),
            requests=path.read_bytes().count(b"\n"),
            bytes=path.stat().st_size,
            digest="",
            endpoint=self.template().endpoint,
            model=self.model,
            account=provider.account(),
            input_file_id=provider.upload(path),
        )

    def create(
        self, provider: Provider, folder: Path, token: str, count: int = 2
    ) -> Batch:
        """Create a batch."""
        path = self.write_requests(provider, folder / f"{token}.jsonl", count)
        return provider.create(path, self.claim(provider, path, token))

    def test_a_batch_goes_from_file_to_results(
        self, provider: Provider, server: VendorServer, tmp_path: Path
    ) -> None:
        """A request file becomes a batch, and that one result line per request."""
        told: list[tuple[int, int | None]] = []
        count = 5
        created = self.create(provider, tmp_path, "token-0", count)
        server.settle()
        batch = provider.retrieve(created.id)
        assert batch.id == created.id
        assert batch.provider == self.vendor
        assert batch.status is BatchStatus.ENDED
        assert batch.provider_status
        assert batch.counts.total in {None, count}
        path = tmp_path / "results.jsonl"
        number = provider.download(batch, path, lambda *pair: told.append(pair))
        *lines, end = path.read_bytes().split(b"\n")
        assert (number, len(lines), end) == (count, count, b"")
        results = [provider.decode(line) for line in lines]
        assert {each.custom_id for each in results} == {
            f"row-{n}" for n in range(count)
        }
        assert all(get_vendor(self.vendor).is_result(line) for line in lines)
        assert told[-1][0] >= path.stat().st_size
        assert sorted(item.name for item in tmp_path.iterdir()) == [
            "results.jsonl",
            "token-0.jsonl",
        ]

    def test_a_running_batch_has_no_results(
        self, provider: Provider, tmp_path: Path
    ) -> None:
        """A download before the end is an error that is worth a retry."""
        batch = self.create(provider, tmp_path, "token-0")
        running = batch.model_copy(update={"status": BatchStatus.IN_PROGRESS})
        with pytest.raises(BatchNotEndedError):
            provider.download(running, tmp_path / "results.jsonl")
        assert not (tmp_path / "results.jsonl").exists()

    def test_the_list_has_each_batch_once(
        self, provider: Provider, tmp_path: Path
    ) -> None:
        """Batches are listed newest first, each once, whatever the page size is."""
        made = [self.create(provider, tmp_path, f"token-{n}").id for n in range(5)]
        provider.page_size = 2
        assert [batch.id for batch in provider.list(10)] == made[::-1]
        assert [batch.id for batch in provider.list(3)] == made[:1:-1]

    def test_the_account_names_its_newest_batch(
        self, provider: Provider, tmp_path: Path
    ) -> None:
        """The newest batch is the baseline for the search for a lost one."""
        assert provider.account().newest_batch_id is None
        batch = self.create(provider, tmp_path, "token-0")
        account = provider.account()
        assert account.newest_batch_id == batch.id
        assert account.base_url == provider.base_url

    def test_an_unknown_batch_is_said_so(self, provider: Provider) -> None:
        """An ID that names no batch is an error of its own."""
        for call in (provider.retrieve, provider.cancel):
            with pytest.raises(UnknownBatchError):
                call("no-such-batch")

    def test_cancelling_is_safe_to_repeat(
        self, provider: Provider, server: VendorServer, tmp_path: Path
    ) -> None:
        """A batch that is cancelled twice, or after its end, is returned as it is."""
        batch = self.create(provider, tmp_path, "token-0")
        for _ in range(2 * get_vendor(self.vendor).can_cancel):
            cancelled = provider.cancel(batch.id)
            assert cancelled.id == batch.id
            assert cancelled.status is not BatchStatus.IN_PROGRESS
        server.settle()
        assert provider.cancel(batch.id).status is BatchStatus.ENDED

    @pytest.mark.parametrize("created", [True, False])
    def test_a_lost_creation_is_found(
        self, provider: Provider, server: VendorServer, tmp_path: Path, *, created: bool
    ) -> None:
        """A create call without an answer is sent once, and `find` tells the rest."""
        self.create(provider, tmp_path, "earlier")
        path = self.write_requests(provider, tmp_path / "lost.jsonl", 2)
        intent = self.claim(provider, path, "lost")
        server.lose_answer(created=created)
        with pytest.raises(CreationUnknownError) as caught:
            provider.create(path, intent)
        assert caught.value.retryable
        assert len(server.first_ids()) == 1 + created
        newest = provider.account().newest_batch_id
        expected = [newest] if created else []
        later = self.create(provider, tmp_path, "later")
        found = [batch.id for batch in provider.find(intent)]
        if get_vendor(self.vendor).creation == "candidates":
            found = [batch_id for batch_id in found if batch_id != later.id]
        assert found == expected

    def test_requests_are_answered_at_once(
        self, provider: Provider, server: VendorServer, tmp_path: Path
    ) -> None:
        """Each request has its result line, as in a batch, and no batch is made."""
        path = self.write_requests(provider, tmp_path / "requests.jsonl", 4)
        with ThreadPoolExecutor(4) as pool:
            lines = [
                *pool.map(asker(provider, self.model), path.read_bytes().splitlines())
            ]
        assert not [line for line in lines if b"\n" in line]
        assert all(get_vendor(self.vendor).is_result(line) for line in lines)
        results = [provider.decode(line) for line in lines]
        assert [each.custom_id for each in results] == [f"row-{n}" for n in range(4)]
        assert {each.outcome for each in results} == {Outcome.SUCCEEDED}
        assert all(each.usage and each.usage.input_tokens > 0 for each in results)
        assert server.first_ids() == []

    def test_a_request_that_is_refused_has_a_line(
        self, provider: Provider, server: VendorServer, tmp_path: Path
    ) -> None:
        """What the vendor says against the request itself is its result."""
        line = self.write_requests(provider, tmp_path / "a.jsonl", 1).read_bytes()
        server.refuse_to_answer(400)
        result = provider.decode(asker(provider, self.model)(line))
        assert (result.custom_id, result.outcome) == ("row-0", Outcome.ERRORED)
        assert result.error
        assert not result.retryable

    @pytest.mark.parametrize(
        ("status", "retryable"),
        [(401, False), (403, False), (404, False), (429, True), (503, True)],
    )
    def test_what_is_not_about_the_request_is_an_error(
        self,
        provider: Provider,
        server: VendorServer,
        tmp_path: Path,
        status: int,
        *,
        retryable: bool,
    ) -> None:
        """Key, model, rate and outages are no result; the wait asked for is told."""
        line = self.write_requests(provider, tmp_path / "a.jsonl", 1).read_bytes()
        server.refuse_to_answer(status)
        with pytest.raises(ProviderError) as caught:
            asker(provider, self.model)(line)
        assert caught.value.status == status
        assert caught.value.retryable is retryable
        if retryable:
            assert caught.value.retry_after_seconds == pytest.approx(0.01)

    def test_what_is_no_request_is_not_sent(self, provider: Provider) -> None:
        """A line that is no request of the vendor is the caller's mistake."""
        for line in (b"", b"{", b"[]", b"{}", b'{"custom_id": "row-0"}'):
            with pytest.raises(InputError):
                asker(provider, self.model)(line)
