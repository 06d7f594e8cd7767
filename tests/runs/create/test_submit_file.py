"""Tests of `runs.create.submit_file`: which labels can be found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchwright.errors import InputError
from batchwright.providers import get_provider
from batchwright.runs.create.submit_file import submit_file
from batchwright.sandbox import Sandbox


@pytest.mark.parametrize("label", ["a/b", "../up", ".", "..", "a\\b", "\0", ".tmp-a"])
def test_a_label_that_is_no_name_is_refused(
    label: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Its records would lie in another folder, so its batch would be bought again."""
    requests = tmp_path / "requests.jsonl"
    requests.write_text("{}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"The label .* cannot name a folder"):
        submit_file(requests, get_provider("openai"), label=label)
    assert list(tmp_path.iterdir()) == [requests]
