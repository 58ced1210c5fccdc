"""What all folders share: errors, files, progress bars."""
