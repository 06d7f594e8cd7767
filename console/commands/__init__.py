"""The commands: each reads its options, calls the layers below, and prints."""
