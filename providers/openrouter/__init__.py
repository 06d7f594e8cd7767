"""OpenRouter's batches: OpenAI's request bodies in an envelope of its own."""
