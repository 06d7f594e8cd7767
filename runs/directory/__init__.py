"""The run directory: storage, lock and records. A run has no other state."""
