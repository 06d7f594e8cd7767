"""Requests that are asked in realtime, one by one, instead of in a batch."""
