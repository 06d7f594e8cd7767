"""The user's rows: read from files as a stream, kept beside each shard, read back."""
