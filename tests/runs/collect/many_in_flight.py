"""Submits a run of many batches, looks at them, and says what that took."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx2

from batchwright.data.job import BatchJob
from batchwright.runs.collect.poll import Poller
from batchwright.runs.drive import drive
from batchwright.runs.open import open_run

LOOKS = 8
MODELS = {"openai": "gpt-5-mini", "anthropic": "claude-sonnet-4-5"}

calls = 0


class Counted(httpx2.HTTPTransport):
    """Counts what goes over the network."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Count the call, and make it."""
        global calls  # noqa: PLW0603 - one process, one thread
        calls += 1
        return super().handle_request(request)


def main(provider: str, folder: Path, batches: int) -> dict[str, Any]:
    """Return the calls of each look, how many batches were seen, and the memory."""
    (folder / "in.csv").write_text(
        "text\n" + "".join(f"{row}\n" for row in range(batches)), encoding="utf-8"
    )
    job = BatchJob(
        input=str(folder / "in.csv"),
        output=str(folder / "out.csv"),
        prompt="{{ text }}",
        model=MODELS[provider],
        max_requests_per_batch=1,
        max_in_flight=batches,
    )
    run = open_run(job, str(folder / "run"))
    drive(run, wait=False)
    print("submitted", flush=True)  # noqa: T201 - for the test
    sys.stdin.readline()
    from batchwright.providers.anthropic.client import AnthropicProvider
    from batchwright.providers.openai.client import OpenAIProvider

    kind = {"openai": OpenAIProvider, "anthropic": AnthropicProvider}[provider]
    poller = Poller(kind(transport=Counted()))
    seen: set[str] = set()
    each = []
    for _ in range(LOOKS):
        before = calls
        created = {
            shard.last.batch.id: shard.last.batch.created_at
            or shard.last.intent.claimed_at
            for shard in run.state().open_shards
            if shard.last and shard.last.batch
        }
        seen |= poller.look(created).keys()
        each.append(calls - before)
    # ru_maxrss would begin with that of the process that started this one.
    status = Path("/proc/self/status").read_text("ascii")
    peak_mb = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return {"calls": each, "seen": len(seen), "peak_mb": peak_mb}


if __name__ == "__main__":
    found = main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(found))  # noqa: T201 - the answer
