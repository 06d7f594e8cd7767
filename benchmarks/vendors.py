"""11. Vendors: what a row costs in each wire format, against OpenAI's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from _measure import Bench, Line, interleave, median, run, spread

from batchwright.providers import get_provider
from batchwright.sandbox import Sandbox

sys.path.append(str(Path(__file__).parent / "sides"))
from formats import template

__all__ = ["measure"]

_ROWS = 100_000
_TIMES = 5
_MOST = 1.5
_OPENAI = "openai"
_MODELS = {
    _OPENAI: "gpt-5-mini",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
    "openrouter": "openai/gpt-5-mini",
    "mistral": "mistral-small-latest",
    "bedrock": "anthropic.claude-sonnet-5-v1:0",
}


def measure(bench: Bench) -> Iterator[Line]:
    """Yield the lines of this benchmark."""
    target = bench.folder / "requests.jsonl"
    with Sandbox() as sandbox:
        results = {name: _results(bench, sandbox, name) for name in _MODELS}
    encode = {
        name: partial(run, "formats:encode", name, model, _ROWS, target)
        for name, model in _MODELS.items()
    }
    decode = {
        name: partial(run, "formats:decode", name, path)
        for name, path in results.items()
    }
    for what, sides in (("Requests encoded", encode), ("Results decoded", decode)):
        samples = interleave(sides, _TIMES)
        floor = median(samples[_OPENAI])
        for name in list(_MODELS)[1:]:
            ratio = median(samples[name]) / floor
            grown = max(sample.grown_mb for sample in samples[name])
            yield Line(
                item=11,
                what=f"{what}, {_ROWS:,} rows, {name}; OpenAI's chat format",
                ours=spread(samples[name]),
                other=spread(samples[_OPENAI]),
                ratio=f"{ratio:.2f} times OpenAI's, memory +{grown:.0f} MB",
                target=f"<= {_MOST} times",
                ok=ratio <= _MOST,
            )


def _results(bench: Bench, sandbox: Sandbox, name: str) -> Path:
    """Write result lines like the one that the sandbox gives, each with its own ID."""
    provider = get_provider(name, sandbox.base_url(name), "key")
    encode = provider.encoder(template(name, _MODELS[name]))
    text = "Ticket: the printer is on fire again."
    line = encode("row-@", [{"role": "user", "content": text}])
    answer = provider.ask(line, model=_MODELS[name])
    path = bench.folder / f"{name}.jsonl"
    with path.open("wb") as file:
        for row in range(_ROWS):
            file.write(answer.replace(b"row-@", b"row-%09d" % row) + b"\n")
    return path
