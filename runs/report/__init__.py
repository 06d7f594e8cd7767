"""What people read about a run: its report, a table of its batches, a dry run."""
