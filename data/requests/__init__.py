"""Request files: generated from rows, split at a batch's limits, checked."""
