"""The sandbox's answers: synthetic, or from an upstream chat API."""
