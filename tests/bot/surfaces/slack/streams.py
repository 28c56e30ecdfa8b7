"""Slack's streams in the recording workspace: what the reference demands, and how streams were seen to behave.

A stream is refused outside a thread and, in channels, without the one it is for. While it is open its message can be
neither edited nor deleted; once it has ended nothing can be appended.
"""

from __future__ import annotations

from typing import Any

from tests.bot.surfaces.slack.workspace import Workspace, refused


class StreamingWorkspace(Workspace):
    """A workspace that streams.

    Attributes:
        open: the streams that are open, by channel and time-stamp.
    """

    def __init__(self) -> None:
        super().__init__()
        self.open: set[tuple[str, str]] = set()

    def chat_startStream(  # noqa: N802 - Slack's own name
        self,
        channel: str,
        thread_ts: str,
        chunks: list[dict[str, Any]],
        recipient_team_id: str = "",
        recipient_user_id: str = "",
    ) -> dict[str, Any]:
        if not channel.startswith("D") and not recipient_team_id:
            raise refused("missing_recipient_team_id")
        if not channel.startswith("D") and not recipient_user_id:
            raise refused("missing_recipient_user_id")
        check_tasks(chunks)
        ts = self.stamp()
        self.messages[channel, ts] = {"channel": channel, "ts": ts, "thread_ts": thread_ts, "text": ""}
        self.open.add((channel, ts))
        return {"channel": channel, "ts": ts}

    def chat_appendStream(self, channel: str, ts: str, markdown_text: str) -> dict[str, Any]:  # noqa: N802 - as above
        if (channel, ts) not in self.open:
            raise refused("message_not_in_streaming_state")
        assert 0 < len(markdown_text) <= 12_000
        self.messages[channel, ts]["text"] += markdown_text
        return {"channel": channel, "ts": ts}

    def chat_stopStream(self, channel: str, ts: str, chunks: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N802
        if (channel, ts) not in self.open:
            raise refused("message_not_in_streaming_state")
        check_tasks(chunks)
        self.open.remove((channel, ts))
        return {"channel": channel, "ts": ts}

    def chat_update(self, channel: str, ts: str, **message: Any) -> dict[str, Any]:
        if (channel, ts) in self.open:
            raise refused("streaming_state_conflict")
        return super().chat_update(channel, ts, **message)

    def chat_delete(self, channel: str, ts: str) -> dict[str, Any]:
        if (channel, ts) in self.open:
            raise refused("cant_delete_message")
        return super().chat_delete(channel, ts)


def check_tasks(chunks: list[dict[str, Any]]) -> None:
    for chunk in chunks:
        assert chunk.keys() == {"type", "id", "title", "status"}
        assert chunk["type"] == "task_update"
        assert 0 < len(chunk["title"]) <= 256
        assert chunk["status"] in {"pending", "in_progress", "complete", "error"}
