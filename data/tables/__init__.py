"""Output tables: rows joined to their answers, as CSV, JSON lines or Parquet."""
