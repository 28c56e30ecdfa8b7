"""Webhooks of other systems: verified, stored, acknowledged, then translated into events."""
