"""Prompts: templates, the files they attach, and the messages made of them."""
