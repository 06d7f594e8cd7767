"""What all HTTP clients of vendors share: time-outs, errors, listings, transfers."""
