"""OpenAI's files and batches API as the sandbox serves it."""
