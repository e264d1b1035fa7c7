"""How the world is asked: every connection, its limits, and what a host allows."""
