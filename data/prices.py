"""What tokens cost in a batch, in US dollars."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from ..models import BatchResult, Outcome, Usage
from ..providers import get_vendor

__all__ = ["is_billed", "price", "price_of"]

_ANSWERED = frozenset(
    {Outcome.SUCCEEDED, Outcome.INVALID, Outcome.REFUSED, Outcome.TRUNCATED}
)

_LINEAR_TOKENS = 50_000
"""Below the smallest step of any price list, cost is a plain sum over tokens."""

_PARTS = 1e12
"""Prices are computed in 1e-12 USD, of which list prices are whole numbers."""


def is_billed(result: BatchResult) -> bool:
    """Whether something was paid: only what was answered is billed."""
    return result.usage is not None or result.outcome in _ANSWERED


def price(provider: str, model: str, usage: Usage) -> float | None:
    """Return what a request cost, cached input at its own price; None if unknown."""
    return price_of(provider, model)(usage)


@lru_cache(maxsize=64)
def price_of(provider: str, model: str) -> Callable[[Usage | None], float | None]:
    """Return what tells the price of many requests to the same model."""
    rates = _rates(provider, model)

    def cost(usage: Usage | None) -> float | None:
        if usage is None:
            return None
        inputs, outputs = usage.input_tokens, usage.output_tokens
        if inputs + outputs >= _LINEAR_TOKENS:
            return _batch_price(provider, model, usage)
        if rates is None:
            return None
        cached, stored = usage.cache_read_tokens, usage.cache_write_tokens
        hour = usage.cache_write_1h_tokens
        of_input, of_read, of_write, of_hour, of_output = rates
        parts = of_input * (inputs - cached - stored) + of_output * outputs
        parts += of_read * cached + of_write * (stored - hour) + of_hour * hour
        return parts / _PARTS

    return cost


def _rates(provider: str, model: str) -> list[float] | None:
    """Return 1e-12 USD per token: input, cache read, write, write for 1 h, output."""
    rates = []
    for usage in (
        Usage(input_tokens=1000),
        Usage(input_tokens=1000, cache_read_tokens=1000),
        Usage(input_tokens=1000, cache_write_tokens=1000),
        Usage(input_tokens=1000, cache_write_tokens=1000, cache_write_1h_tokens=1000),
        Usage(output_tokens=1000),
    ):
        cost = _batch_price(provider, model, usage)
        if cost is None:
            return None
        rates.append(round(cost * (_PARTS / 1000), 6))
    return rates


def _batch_price(provider: str, model: str, usage: Usage) -> float | None:
    vendor = get_vendor(provider)
    if vendor.price_id is None:
        return None
    # Its price table takes 0.3 s to load. It asks the network only if told to.
    import genai_prices  # noqa: PLC0415

    tokens = genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
    )
    suffix = vendor.batch_price_suffix
    model = model.removesuffix(suffix) + suffix
    look_up = partial(
        genai_prices.calc_price, tokens, model, provider_id=vendor.price_id
    )
    try:
        listed, batch = look_up(), look_up(price_context={"processing": "batch"})
    except LookupError:
        return None
    if batch.model_price != listed.model_price or suffix:
        return float(batch.total_price)
    if vendor.batch_discount is None:
        return None
    return float(listed.total_price) * vendor.batch_discount
