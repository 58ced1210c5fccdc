"""What the run folders say, beside what the paper says: ``./reproduce report``."""
