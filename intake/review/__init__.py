"""Candidates, what to look at next, and what people decide."""
