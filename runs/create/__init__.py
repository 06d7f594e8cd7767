"""Create batches at the provider, each exactly once."""
