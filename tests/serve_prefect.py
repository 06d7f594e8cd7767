"""Serves Prefect's API until nobody holds the other end of its standard input."""

from __future__ import annotations

import os
import sys
from threading import Thread

import uvicorn
from prefect.server.api.server import create_app


def end_with_users() -> None:
    """End the process as soon as standard input is closed."""
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    Thread(target=end_with_users, daemon=True).start()
    app = create_app(ephemeral=True, final=True)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
