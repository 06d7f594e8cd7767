"""What one writes without a tool to list batches."""

from __future__ import annotations

import openai

client = openai.OpenAI()
for batch in client.batches.list(limit=10).data:
    counts = batch.request_counts
    done = f"{counts.completed}/{counts.total}" if counts else ""
    print(batch.id, batch.status, batch.created_at, done)
