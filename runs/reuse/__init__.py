"""With `reuse`: the answers of other runs, and requests that rows share."""
