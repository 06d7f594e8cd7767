"""The sandbox's batches: their state, their clock, and the worker that runs them."""
