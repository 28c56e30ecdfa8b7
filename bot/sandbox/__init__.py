"""A whole small company to try Shipmate on: stand-ins for the outside systems, over real git."""
