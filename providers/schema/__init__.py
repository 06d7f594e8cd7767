"""One source JSON Schema, converted to what each vendor accepts."""
