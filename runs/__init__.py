"""The durable run: its directory is the whole truth."""
