"""What tokens cost in a batch and in realtime, in US dollars."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from ..models import BatchResult, Outcome, Usage
from ..providers import get_vendor

__all__ = ["REALTIME", "is_billed", "price", "price_of"]

REALTIME = "realtime"
"""In place of a batch's ID: no batch answered, and the list price was paid."""

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


def price(
    provider: str, model: str, usage: Usage, *, realtime: bool = False
) -> float | None:
    """Return what a request cost, cached input at its own price; None if unknown."""
    return price_of(provider, model, realtime=realtime)(usage)


@lru_cache(maxsize=64)
def price_of(
    provider: str, model: str, *, realtime: bool = False
) -> Callable[[Usage | None], float | None]:
    """Return what tells the price of many requests to the same model."""
    look_up = partial(_list_price if realtime else _batch_price, provider, model)
    rates = _rates(look_up)

    def cost(usage: Usage | None) -> float | None:
        if usage is None:
            return None
        inputs, outputs = usage.input_tokens, usage.output_tokens
        if inputs + outputs >= _LINEAR_TOKENS:
            return look_up(usage)
        if rates is None:
            return None
        cached, stored = usage.cache_read_tokens, usage.cache_write_tokens
        hour = usage.cache_write_1h_tokens
        of_input, of_read, of_write, of_hour, of_output = rates
        parts = of_input * (inputs - cached - stored) + of_output * outputs
        parts += of_read * cached + of_write * (stored - hour) + of_hour * hour
        return parts / _PARTS

    return cost


def _rates(look_up: Callable[[Usage], float | None]) -> list[float] | None:
    """Return 1e-12 USD per token: input, cache read, write, write for 1 h, output."""
    rates = []
    for usage in (
        Usage(input_tokens=1000),
        Usage(input_tokens=1000, cache_read_tokens=1000),
        Usage(input_tokens=1000, cache_write_tokens=1000),
        Usage(input_tokens=1000, cache_write_tokens=1000, cache_write_1h_tokens=1000),
        Usage(output_tokens=1000),
    ):
        cost = look_up(usage)
        if cost is None:
            return None
        rates.append(round(cost * (_PARTS / 1000), 6))
    return rates


def _list_price(provider: str, model: str, usage: Usage) -> float | None:
    listed = _priced(provider, model, usage)
    return None if listed is None else float(listed.total_price)


def _batch_price(provider: str, model: str, usage: Usage) -> float | None:
    vendor = get_vendor(provider)
    if suffix := vendor.batch_price_suffix:
        return _list_price(provider, model.removesuffix(suffix) + suffix, usage)
    listed = _priced(provider, model, usage)
    batch = _priced(provider, model, usage, price_context={"processing": "batch"})
    if listed is None or batch is None:
        return None
    if batch.model_price != listed.model_price:
        return float(batch.total_price)
    discount = vendor.batch_discount
    return None if discount is None else float(listed.total_price) * discount


def _priced(provider: str, model: str, usage: Usage, **context: Any) -> Any:
    """Return the price calculation of genai-prices; None where it has no price."""
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
    try:
        return genai_prices.calc_price(
            tokens, model, provider_id=vendor.price_id, **context
        )
    except LookupError:
        return None
