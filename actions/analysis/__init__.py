"""Pure functions over data: no input, no output, no clock."""
