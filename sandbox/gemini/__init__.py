"""The batch mode of the Gemini API as the sandbox serves it."""
