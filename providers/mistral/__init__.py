"""Mistral's batch jobs, whose request and result lines are OpenAI's."""
