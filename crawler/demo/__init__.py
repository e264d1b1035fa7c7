"""A small press of our own, so that the whole river runs without the internet."""
