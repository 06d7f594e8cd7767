"""Request files: generated from rows, checked, cut at a batch's limits."""
