"""The commands: parse options, call the layers below, print."""
