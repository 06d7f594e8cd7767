"""Anthropic's Message Batches API as the sandbox serves it."""
