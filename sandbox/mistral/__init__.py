"""Mistral's batch jobs, as the server speaks them; files and lines are OpenAI's."""
