"""The user's rows: streamed from files, copied beside each shard, read back."""
