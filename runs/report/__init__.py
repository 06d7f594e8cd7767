"""What people are told of a run: its report, a table of its batches, a dry run."""
