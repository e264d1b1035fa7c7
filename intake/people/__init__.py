"""Who may do what, how they come in, and what they did."""
