"""From a row to the messages that are sent."""
