"""What the two experiments share: options, evaluation, pictures."""
