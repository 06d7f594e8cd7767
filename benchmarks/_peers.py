"""Installs the peers, each into an environment of its own."""

from __future__ import annotations

import subprocess
import venv
from pathlib import Path

__all__ = ["install_peers"]

_PINS = Path(__file__).parent / "peers"
_LONGEST_SECONDS = 240


def install_peers(folder: Path) -> dict[str, Path]:
    """Return the interpreters of those that could be installed, by name."""
    return {
        pins.stem: python
        for pins in sorted(_PINS.glob("*.txt"))
        if (python := _install(pins, folder / pins.stem))
    }


def _install(pins: Path, folder: Path) -> Path | None:
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    command = [str(python), "-m", "pip", "install", "-qq"]
    command += ["--disable-pip-version-check", "-r", str(pins)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_SECONDS,
        )
        said = done.stderr.strip().rpartition("\n")[2] if done.returncode else ""
    except subprocess.TimeoutExpired:
        said = "pip took too long"
    if said:
        print(f"skipped {pins.stem}, which cannot be installed here: {said}")
        return None
    return python
