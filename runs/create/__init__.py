"""Create each batch exactly once: claim, send, record, and find what was lost."""
