"""What tokens cost in a batch, in US dollars."""

from __future__ import annotations

from functools import lru_cache

from ..models import Usage

__all__ = ["BATCH_DISCOUNT", "price"]

BATCH_DISCOUNT = 0.5
"""On every token class of both providers, prompt caching included.

https://platform.openai.com/docs/guides/batch and
https://platform.claude.com/docs/en/build-with-claude/batch-processing, read 2026-11-23.
"""

_LINEAR_TOKENS = 50_000
"""Below the smallest step of any price list, cost is a plain sum over tokens."""


def price(provider: str, model: str, usage: Usage) -> float | None:
    """Return what a request cost, cached input at its own price; None if unknown."""
    if usage.input_tokens + usage.output_tokens >= _LINEAR_TOKENS:
        return _list_price(provider, model, usage)
    rates = _rates(provider, model)
    if rates is None:
        return None
    plain = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens
    return (
        rates[0] * plain
        + rates[1] * usage.cache_read_tokens
        + rates[2] * usage.cache_write_tokens
        + rates[3] * usage.output_tokens
    )


@lru_cache(maxsize=64)
def _rates(provider: str, model: str) -> tuple[float, float, float, float] | None:
    """Return USD per token: input, cache read, cache write, output."""
    rates = []
    for usage in (
        Usage(input_tokens=1000),
        Usage(input_tokens=1000, cache_read_tokens=1000),
        Usage(input_tokens=1000, cache_write_tokens=1000),
        Usage(output_tokens=1000),
    ):
        cost = _list_price(provider, model, usage)
        if cost is None:
            return None
        rates.append(cost / 1000)
    return rates[0], rates[1], rates[2], rates[3]


def _list_price(provider: str, model: str, usage: Usage) -> float | None:
    # Its price table takes 0.3 s to load. It asks the network only if told to.
    import genai_prices  # noqa: PLC0415

    try:
        found = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cache_read_tokens,
                cache_write_tokens=usage.cache_write_tokens,
            ),
            model,
            provider_id=provider,
        )
    except LookupError:
        return None
    return float(found.total_price) * BATCH_DISCOUNT
