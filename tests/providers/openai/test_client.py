"""What only the OpenAI client does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchwright.errors import (
    BatchFailedError,
    DownloadCutError,
    ResultsGoneError,
    UnreachableError,
)
from batchwright.models import Batch, BatchStatus, RequestCounts
from batchwright.providers.openai.batch import read_batch
from batchwright.providers.openai.client import OpenAIProvider


def test_upload_is_a_jsonl_file_that_expires(openai_client: Any) -> None:
    """Whatever the file is called, it is sent as `.jsonl`, and it expires."""
    path = openai_client.write()
    odd = path.rename(path.with_name("requests.tmp"))
    file_id = openai_client.provider.upload(odd)
    file = openai_client.provider._client.files.retrieve(file_id)
    assert file.filename == "requests.jsonl"
    assert file.bytes == odd.stat().st_size
    assert file.expires_at - file.created_at == timedelta(days=30).total_seconds()


def test_upload_is_whole_again_after_a_retry(openai_client: Any) -> None:
    """A busy server gets the whole file once more."""
    openai_client.sandbox.set_faults(
        {"calls": [{"operation": "upload", "do": "status", "nth": [1]}]}
    )
    path = openai_client.write(200)
    file_id = openai_client.provider.upload(path)
    file = openai_client.provider._client.files.retrieve(file_id)
    assert file.bytes == path.stat().st_size


def test_metadata_is_the_user_s_and_our_token(openai_client: Any) -> None:
    """The batch carries the user's pairs and the token by which it is found."""
    path = openai_client.write()
    intent = openai_client.intent(path, token="t-1", metadata={"team": "blue"})
    batch = openai_client.provider.create(path, intent)
    assert batch.metadata == {"team": "blue", "batchwright": "t-1"}


@pytest.mark.parametrize("metadata", ["null", "missing"])
def test_batch_without_metadata_is_found_by_its_file(
    openai_client: Any, metadata: str
) -> None:
    """A service that drops the metadata still shows which file it works on."""
    openai_client.sandbox.set_faults({"batches": [{"metadata": metadata}]})
    path = openai_client.write()
    intent = openai_client.intent(path)
    batch = openai_client.provider.create(path, intent)
    assert batch.metadata == {}
    assert [found.id for found in openai_client.provider.find(intent)] == [batch.id]


def test_refused_file_says_which_lines(openai_client: Any) -> None:
    """A batch that failed is no download but the provider's list of errors."""
    reasons = [
        {"code": "invalid_json_line", "message": "Not JSON.", "line": 3},
        {"code": "empty_file", "message": "Nothing there."},
    ]
    openai_client.sandbox.set_faults({"batches": [{"fail": reasons}]})
    batch = openai_client.ended()
    assert batch.status is BatchStatus.FAILED
    assert batch.errors[0].line == 3
    with pytest.raises(BatchFailedError, match=r"line 3: Not JSON\.; Nothing there"):
        openai_client.provider.download(batch, openai_client.folder / "out.jsonl")


@pytest.mark.parametrize("end", ["expired", "cancelled"])
def test_partial_batches_bring_what_they_hold(openai_client: Any, end: str) -> None:
    """Output and error lines of a batch that did not finish come in one file."""
    openai_client.sandbox.set_faults({"batches": [{"end": end, "ran": 0.5}]})
    batch = openai_client.ended(8)
    path = openai_client.folder / "out.jsonl"
    assert batch.provider_status == end
    assert openai_client.provider.download(batch, path) >= batch.counts.done > 0


def test_failed_requests_alone_are_a_download(openai_client: Any) -> None:
    """Without an output file the error file is all there is."""
    openai_client.sandbox.set_faults({"batches": [{"answers": [{"status": 400}]}]})
    batch = openai_client.ended(4)
    assert batch.output_file_id is None
    path = openai_client.folder / "out.jsonl"
    assert openai_client.provider.download(batch, path) == 4


@pytest.mark.parametrize("error_file", ["missing", "empty_string", "zero_bytes"])
def test_clean_run_has_no_or_an_empty_error_file(
    openai_client: Any, error_file: str
) -> None:
    """However a service says that there are no errors, it adds no line."""
    openai_client.sandbox.set_faults({"batches": [{"error_file": error_file}]})
    path = openai_client.folder / "out.jsonl"
    assert openai_client.provider.download(openai_client.ended(4), path) == 4


class Files:
    """A service that holds some files, and may not tell their size."""

    def __init__(self, contents: dict[str, bytes], *, tells_size: bool = True) -> None:
        self.contents = contents
        self.tells_size = tells_size

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        file_id, _, leaf = request.url.path.partition("/files/")[2].partition("/")
        if file_id not in self.contents or (not leaf and not self.tells_size):
            error = {"error": {"message": "No such File object", "type": "x"}}
            return httpx2.Response(404, json=error)
        content = self.contents[file_id]
        if leaf:
            return httpx2.Response(200, content=content)
        return httpx2.Response(200, json={"id": file_id, "bytes": len(content)})


def completed(**facts: Any) -> Batch:
    """Return a completed batch."""
    return Batch(
        id="batch_1",
        provider="openai",
        status=BatchStatus.ENDED,
        provider_status="completed",
        **facts,
    )


def provider(handler: Any) -> OpenAIProvider:
    """Return a provider whose network is a function."""
    return OpenAIProvider("http://x", "key", transport=httpx2.MockTransport(handler))


def test_output_without_its_last_newline_is_not_joined_to_the_errors(
    tmp_path: Any,
) -> None:
    """The last output line and the first error line stay two lines."""
    files = Files({"out": b'{"a":1}\n{"a":2}', "err": b'\xef\xbb\xbf{"a":3}'})
    path = tmp_path / "out.jsonl"
    batch = completed(output_file_id="out", error_file_id="err")
    assert provider(files).download(batch, path) == 3
    assert path.read_bytes() == b'{"a":1}\n{"a":2}\n{"a":3}\n'


def test_service_without_file_objects_is_downloaded_from(tmp_path: Any) -> None:
    """A size that is not told is no reason to give up what is there."""
    files = Files({"out": b'{"a":1}\n'}, tells_size=False)
    batch = completed(output_file_id="out", counts=RequestCounts(total=1))
    assert provider(files).download(batch, tmp_path / "out.jsonl") == 1


def test_paid_answers_are_kept_though_the_error_file_is_gone(tmp_path: Any) -> None:
    """The other file is written, and the error says that it is not all."""
    files = Files({"out": b'{"a":1}\n'})
    batch = completed(
        output_file_id="out",
        error_file_id="err",
        counts=RequestCounts(total=2, succeeded=1, errored=1),
    )
    with pytest.raises(ResultsGoneError, match="err"):
        provider(files).download(batch, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == b'{"a":1}\n'


def test_all_files_gone_is_an_error(tmp_path: Any) -> None:
    """When nothing is left, that is said."""
    batch = completed(output_file_id="out", error_file_id="err")
    with pytest.raises(ResultsGoneError, match="does not show result file out"):
        provider(Files({})).download(batch, tmp_path / "out.jsonl")


def test_finished_batch_that_names_no_file_yet_is_tried_again(tmp_path: Any) -> None:
    """Requests were answered, so there must be a file somewhere."""
    batch = completed(counts=RequestCounts(total=2, succeeded=2))
    with pytest.raises(ResultsGoneError, match="does not name all its result files"):
        provider(Files({})).download(batch, tmp_path / "out.jsonl")


def test_file_that_is_larger_than_what_arrived_is_cut(tmp_path: Any) -> None:
    """The size of the file object decides, though HTTP saw nothing wrong."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/content"):
            return httpx2.Response(200, content=b'{"a":1}\n')
        return httpx2.Response(200, json={"id": "out", "bytes": 99})

    with pytest.raises(DownloadCutError, match="99 bytes, but 8 arrived"):
        provider(handler).download(
            completed(output_file_id="out"), tmp_path / "out.jsonl"
        )


def test_upload_without_an_id_in_the_answer_can_be_repeated(tmp_path: Any) -> None:
    """An upload whose answer names no file is no success."""
    path = tmp_path / "r.jsonl"
    path.write_bytes(b"{}\n")
    with pytest.raises(UnreachableError, match="upload the request file"):
        provider(lambda _: httpx2.Response(200, json={})).upload(path)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("Validating", BatchStatus.IN_PROGRESS),
        ("IN_PROGRESS", BatchStatus.IN_PROGRESS),
        ("in progress", BatchStatus.IN_PROGRESS),
        ("COMPLETED", BatchStatus.ENDED),
        ("expired", BatchStatus.ENDED),
        ("Failed", BatchStatus.FAILED),
        ("cancelling", BatchStatus.CANCELLING),
    ],
)
def test_status_is_read_in_any_case(word: str, status: BatchStatus) -> None:
    """Services that shout or capitalise mean the same."""
    batch = read_batch({"id": "b", "status": word}, "openai")
    assert (batch.status, batch.provider_status) == (status, word)


@pytest.mark.parametrize(
    "created_at",
    [1_790_000_000, 1_790_000_000.0, "2026-09-21T14:13:20Z", "2026-09-21T14:13:20"],
)
def test_time_is_read_as_number_or_text(created_at: Any) -> None:
    """Unix seconds and ISO 8601 are the same aware time."""
    batch = read_batch({"id": "b", "created_at": created_at}, "openai")
    assert batch.created_at == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "errors", [{"data": [{"message": "m", "line": 2}]}, [{"message": "m", "line": 2}]]
)
def test_errors_are_read_as_list_or_object(errors: Any) -> None:
    """Some services leave the list object out."""
    assert read_batch({"id": "b", "errors": errors}, "openai").errors[0].line == 2


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_FIELDS = (
    "status",
    "created_at",
    "completed_at",
    "expires_at",
    "request_counts",
    "errors",
    "metadata",
    "output_file_id",
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(_FIELDS, _JSON)))
def test_any_batch_object_with_an_id_is_read(body: dict[str, Any]) -> None:
    """No value of any field makes a paid batch unreadable."""
    assert read_batch({**body, "id": "b"}, "openai").id == "b"
