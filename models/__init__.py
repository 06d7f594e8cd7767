"""What flows through batchwright, as types."""

from __future__ import annotations

from .attempt import Account, Intent
from .batch import Batch, BatchStatus, LineError, RequestCounts
from .event import EventKind, RunEvent
from .report import Anomaly, BatchLine, ErrorGroup, RunReport
from .request import (
    Endpoint,
    Message,
    Messages,
    Mode,
    RequestTemplate,
)
from .result import Answer, BatchResult, Outcome, Usage

__all__ = [
    "Account",
    "Anomaly",
    "Answer",
    "Batch",
    "BatchLine",
    "BatchResult",
    "BatchStatus",
    "Endpoint",
    "ErrorGroup",
    "EventKind",
    "Intent",
    "LineError",
    "Message",
    "Messages",
    "Mode",
    "Outcome",
    "RequestCounts",
    "RequestTemplate",
    "RunEvent",
    "RunReport",
    "Usage",
]
