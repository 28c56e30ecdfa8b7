"""Doors and wiring: people, webhooks, stores, processes."""
