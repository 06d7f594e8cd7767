"""The batch operations as Prefect tasks: one per operation, none per request.

Their parameters are strings, numbers and our models, never a client: Prefect could
not tell two calls with clients apart. Keys are read inside each task.
"""

from __future__ import annotations

from .cancel import cancel_batch
from .download import download_results
from .generate import generate_requests
from .list import list_batches
from .parse import parse_results
from .rows import save_rows
from .submit import submit_batch
from .wait import wait_for_batch

__all__ = [
    "cancel_batch",
    "download_results",
    "generate_requests",
    "list_batches",
    "parse_results",
    "save_rows",
    "submit_batch",
    "wait_for_batch",
]
