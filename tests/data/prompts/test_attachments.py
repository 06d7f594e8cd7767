"""Files that a prompt attaches: what a row may send, and what it may not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from batchwright.data.job import BatchJob
from batchwright.data.prompts.attachments import image_part
from batchwright.data.prompts.prompt import Prompt
from batchwright.data.requests.generate import write_shards
from batchwright.data.resolve import resolve
from batchwright.errors import InputError
from batchwright.providers import get_format

PDF = b"%PDF-1.7\n..."
SECRET = b"%PDF- a secret that is nobody's business"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder of a messages file, beside a file that no row may send."""
    (tmp_path / "secret.pdf").write_bytes(SECRET)
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "good.pdf").write_bytes(PDF)
    (inside / "text.pdf").write_text("not what its name says")
    (inside / "out.pdf").symlink_to(tmp_path / "secret.pdf")
    (inside / "up").symlink_to(tmp_path)
    (inside / "loop.pdf").symlink_to("loop.pdf")
    (inside / "in.pdf").symlink_to("good.pdf")
    (inside / "large.pdf").write_bytes(PDF)
    os.truncate(inside / "large.pdf", 50_000_001)
    os.mkfifo(inside / "pipe.pdf")
    return inside


def _fill(folder: Path, path: str) -> Any:
    parts = [{"pdf": "{{ path }}"}]
    return Prompt([{"role": "user", "content": parts}], folder=folder)({"path": path})


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/proc/self/environ", "outside"),
        ("/dev/zero", "outside"),
        ("../secret.pdf", "outside"),
        ("out.pdf", "outside"),
        ("up/secret.pdf", "outside"),
        ("good.pdf/../../secret.pdf", "outside|cannot be read"),
        ("loop.pdf", "cannot be read"),
        ("absent.pdf", "cannot be read"),
        ("nul\0.pdf", "cannot be read"),
        ("a" * 5000, "cannot be read"),
        ("pipe.pdf", "a pipe or a device"),
        (".", "a folder"),
        ("text.pdf", "is no PDF"),
        ("large.pdf", "larger than 50,000,000 bytes"),
        ("https://host/a.pdf", "must be a local file"),
        ("file:///etc/passwd", "must be a local file"),
    ],
)
def test_a_row_sends_no_other_file(folder: Path, path: str, said: str) -> None:
    """What is outside of the folder, or no such file, is refused in a sentence."""
    with pytest.raises(InputError, match=said):
        _fill(folder, path)


@pytest.mark.parametrize(
    "path", ["good.pdf", "in.pdf", "./good.pdf", "up/inside/good.pdf"]
)
def test_what_lies_in_the_folder_is_sent(folder: Path, path: str) -> None:
    """Links are followed first, so those that stay inside are no obstacle."""
    (message,) = _fill(folder, path)
    assert message["content"][0]["type"] == "file"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0...", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVEfmt ", None),
        (b"HOME=/root\0KEY=x", None),
        (b"", None),
    ],
)
def test_an_image_is_what_its_bytes_say(
    tmp_path: Path, data: bytes, kind: str | None
) -> None:
    """The type that is sent is that of the bytes, whatever the name says."""
    (tmp_path / "a.png").write_bytes(data)
    if kind is None:
        with pytest.raises(InputError, match="is no PNG, JPEG, GIF or WebP"):
            image_part("a.png", tmp_path, confined=True)
    else:
        part = image_part("a.png", tmp_path, confined=True)
        assert part["image_url"]["url"].startswith(f"data:{kind};base64,")


def _job(folder: Path, path: str, **options: Any) -> BatchJob:
    messages = folder / "messages.yaml"
    messages.write_text("[{role: user, content: [{pdf: '{{ path }}'}]}]")
    rows = folder / "rows.csv"
    rows.write_text(f"path\ngood.pdf\n{path}\n")
    return BatchJob(
        input=str(rows),
        output=str(folder / "out.csv"),
        model="gpt-5-mini",
        messages=str(messages),
        **options,
    )


def _made(job: BatchJob, folder: Path) -> int:
    resolved = resolve(job)
    fmt = get_format("openai")
    shards = [*write_shards(resolved, fmt, "row-%09d", folder)]
    return sum(shard.requests.requests for shard in shards)


def test_the_row_is_named(folder: Path, tmp_path: Path) -> None:
    """Nothing is sent, and the sentence names the row and the way out."""
    (tmp_path / "made").mkdir()
    with pytest.raises(InputError, match=r"row 1\b.*--attachments DIR"):
        _made(_job(folder, "../secret.pdf"), tmp_path / "made")


def test_attachments_names_another_folder(folder: Path, tmp_path: Path) -> None:
    """Paths start there, and must stay there."""
    (tmp_path / "made").mkdir()
    (tmp_path / "good.pdf").write_bytes(PDF)
    job = _job(folder, "secret.pdf", attachments=str(tmp_path))
    assert _made(job, tmp_path / "made") == 2


def test_attachments_need_messages(folder: Path) -> None:
    """A folder without a messages file would be ignored, so it is refused."""
    job = _job(folder, "x").model_copy(update={"messages": None, "attachments": "."})
    with pytest.raises(InputError, match="give both"):
        resolve(job)
