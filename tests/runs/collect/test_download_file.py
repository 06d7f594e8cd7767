"""Tests of `runs.collect.download_file`: a file that has its name is whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batchwright.errors import DownloadCutError
from batchwright.providers import get_provider
from batchwright.runs.collect.download_file import download_file
from batchwright.runs.create.submit_file import submit_file
from batchwright.sandbox import Sandbox

BODIES = {
    "openai": {
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {
            "model": "gpt-5-mini",
            "messages": [{"role": "user", "content": "Hi"}],
        },
    },
    "anthropic": {
        "params": {
            "model": "claude-sonnet-4-5",
            "max_tokens": 10,
            "messages": [{"role": "user", "content": "Hi"}],
        }
    },
}


@pytest.mark.parametrize("name", list(BODIES))
def test_a_failed_download_changes_nothing(
    name: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Neither a new file nor a temporary one appears, and an earlier file stays."""
    requests = tmp_path / "in" / "requests.jsonl"
    requests.parent.mkdir()
    requests.write_text(json.dumps({"custom_id": "row-1"} | BODIES[name]) + "\n")
    provider = get_provider(name)
    batch = submit_file(requests, provider).batch
    sandbox.settle()
    output = tmp_path / "out" / "results.jsonl"
    cut = {"calls": [{"operation": "download", "do": "cut"}]}

    sandbox.set_faults(cut)
    with pytest.raises(DownloadCutError):
        download_file(provider, batch.id, output)
    assert list(output.parent.iterdir()) == []

    sandbox.set_faults({})
    assert download_file(provider, batch.id, output) == 1
    before = output.read_bytes()
    sandbox.set_faults(cut)
    with pytest.raises(DownloadCutError):
        download_file(provider, batch.id, output)
    assert output.read_bytes() == before
    assert list(output.parent.iterdir()) == [output]
