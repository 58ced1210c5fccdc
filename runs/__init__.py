"""What a run leaves: its folder, its state, its history."""
