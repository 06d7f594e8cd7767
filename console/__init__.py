"""Commands, options, tables and progress; they call flows, runs and data."""
