"""CASES AND THE PEOPLE WHO DECIDE. Owns the database; knows what `crawler` and `nlp` hand over."""
