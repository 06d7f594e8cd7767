"""What a run does next, decided from its records alone."""
