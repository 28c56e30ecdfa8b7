"""The terminal: how a reply looks there, and the chat."""
