"""What the paper's figures show, computed and measured on the models."""
