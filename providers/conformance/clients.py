"""Tests of a client: batches created once, found, listed, cancelled, downloaded."""

# ruff: noqa: S101 - tests assert

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ...errors import BatchNotEndedError, CreationUnknownError, UnknownBatchError
from ...models import Batch, BatchStatus, Intent
from ..base import Provider
from ..vendors import get_vendor
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
        for _ in range(2):
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
