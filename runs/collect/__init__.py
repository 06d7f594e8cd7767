"""Follow batches until they end, and download their results."""
