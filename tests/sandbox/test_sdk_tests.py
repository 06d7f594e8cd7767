"""The tests that the SDKs ship for files and batches, run against the sandbox."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

LEFT_OUT = (
    "Async",  # needs pytest-asyncio; the requests are the same
    "list_with_all_params",  # asks for 0 objects, or for those after one not there
    "method_content",  # the responses are faked, no server is called
    "response_content",
    "results",
)
HERE = Path(__file__).parent


@pytest.mark.parametrize(
    ("sdk", "files", "least"),
    [
        ("openai", ["test_batches.py", "test_files.py"], 60),
        (
            "anthropic",
            ["messages/test_batches.py", "beta/messages/test_batches.py"],
            60,
        ),
    ],
)
def test_the_sdks_own_tests_pass(
    tmp_path: Path, sdk: str, files: list[str], least: int
) -> None:
    """Each test of the installed version that calls a server gets what it expects."""
    pinned = f"{sdk}=={version(sdk)}"
    command = ["pip", "download", "--no-deps", "--no-binary", sdk, "-d", tmp_path]
    fetched = subprocess.run(
        [sys.executable, "-m", *command, pinned],
        check=False,
        capture_output=True,
        text=True,
    )
    if fetched.returncode:
        pytest.skip(f"the source of {pinned} cannot be downloaded: {fetched.stderr}")
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    (root,) = (path for path in tmp_path.iterdir() if path.is_dir())
    options = ["-q", "-n0", "-c", os.devnull, "--noconftest", "-p", "sdk_plugin"]
    chosen = " and ".join(f"not {word}" for word in LEFT_OUT)
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                *options,
                "--rootdir",
                root,
                "-k",
                chosen,
            ),
            *(f"tests/api_resources/{name}" for name in files),
        ],
        check=False,
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{HERE}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) >= least
