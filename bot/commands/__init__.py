"""What the `shipmate` command does, one module a command or family of commands; each is imported when it is called."""
