"""Where something is said and answered."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Place(BaseModel):
    """A thread on a surface: what a conversation and its card belong to.

    Attributes:
        surface: "terminal", "slack", "teams", "web", "api" or "mcp".
        channel: the surface's own id of the channel or conversation.
        thread: the surface's own id of the thread in it; empty where there are no threads.
        tenant: the workspace or tenant, where a surface serves several.
    """

    model_config = ConfigDict(frozen=True)

    surface: str
    channel: str = ""
    thread: str = ""
    tenant: str = ""

    @property
    def key(self) -> str:
        """One string for the thread, for sessions, ordering and de-duplication."""
        return f"{self.surface}/{self.tenant}/{self.channel}/{self.thread}"
