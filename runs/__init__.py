"""The durable run: all of its state is in its directory."""
