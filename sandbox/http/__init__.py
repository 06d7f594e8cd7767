"""The sandbox's web server: routes, middleware, error envelopes, faults of calls."""
