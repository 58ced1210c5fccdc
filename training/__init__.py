"""The training loop's own parts, shared by the two experiments."""
