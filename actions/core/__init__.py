"""The dictionary that every other module speaks: models and ports, on pydantic alone."""
