"""What an answer must be: the response model and its JSON Schema."""
