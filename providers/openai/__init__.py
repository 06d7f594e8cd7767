"""The OpenAI Batch API, and services that speak its wire format."""
