"""What can be done, and the one gate to it."""
