"""The run directory: storage, lock and records. It is the only state of a run."""
