"""Equal requests: their digests, the index of answers, and who shares an answer."""
