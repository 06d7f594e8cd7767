"""Rows in, requests out; results in, tables out. Knows no network and no Prefect."""

from __future__ import annotations
