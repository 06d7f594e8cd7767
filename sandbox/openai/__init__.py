"""OpenAI's files and batches APIs as the sandbox serves them."""
