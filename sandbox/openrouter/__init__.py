"""OpenRouter's batches as the sandbox serves them."""
