"""The batch operations as Prefect tasks."""
