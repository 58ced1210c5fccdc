"""What `./reproduce setup` does. Standard library only, Python 3.6 or newer."""
