"""Everything kept: SQL for what must never be lost, Redis for what passes through."""
