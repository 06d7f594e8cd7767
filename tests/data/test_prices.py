"""What tokens cost."""

from __future__ import annotations

import pytest

from batchwright.data.prices import price
from batchwright.models import Usage


@pytest.mark.parametrize(
    ("provider", "model", "usage", "usd"),
    [
        ("openai", "gpt-4o-mini", Usage(1_000, 100), (1_000 * 0.15 + 100 * 0.6) / 2e6),
        (
            "openai",
            "gpt-4o-mini",
            Usage(1_000, 0, cache_read_tokens=400),
            (600 * 0.15 / 2 + 400 * 0.075) / 1e6,
        ),
        (
            "anthropic",
            "claude-haiku-4-5",
            Usage(1_000, 10, cache_read_tokens=500, cache_write_tokens=300),
            (200 * 1 + 500 * 0.1 + 300 * 1.25 + 10 * 5) / 2e6,
        ),
        (
            "anthropic",
            "claude-haiku-4-5",
            Usage(1_000, 0, cache_write_tokens=900, cache_write_1h_tokens=600),
            (100 * 1 + 300 * 1.25 + 600 * 2) / 2e6,
        ),
        ("openai", "gpt-4o-mini-2024-07-18", Usage(1_000_000, 0), 0.075),
        ("openai", "gpt-4o-mini", Usage(), 0.0),
    ],
)
def test_batches_have_their_own_prices(
    provider: str, model: str, usage: Usage, usd: float
) -> None:
    """Input and output are at half their list price, cached input at its own."""
    assert price(provider, model, usage) == pytest.approx(usd)


@pytest.mark.parametrize("tokens", [10, 1_000_000])
def test_an_unknown_price_is_not_zero(tokens: int) -> None:
    """A model without a price is unknown, however much it was used."""
    assert price("openai", "nobody-knows-this", Usage(tokens, tokens)) is None


def test_long_inputs_have_their_own_price() -> None:
    """Above the step of a price list each token costs what the list says."""
    short = price("anthropic", "claude-sonnet-4-5", Usage(100_000, 0))
    long = price("anthropic", "claude-sonnet-4-5", Usage(300_000, 0))
    assert short == pytest.approx(100_000 * 3 / 2e6)
    assert long == pytest.approx(300_000 * 6 / 2e6)
