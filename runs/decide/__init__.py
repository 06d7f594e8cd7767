"""What a run does next, decided from its directory alone; nothing is sent from here."""
