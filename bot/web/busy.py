"""What is turned away because too much waits, or because it came too early; whoever sent it may send it again."""

from __future__ import annotations

from actions.core.errors import Unreachable


class Busy(Unreachable):
    """More calls wait than will be answered in good time."""

    def __init__(self) -> None:
        super().__init__("Shipmate", "Shipmate is busy; this was not accepted.", remedy="Try again in a few seconds.")


class Starting(Unreachable):
    """What this needs is not there yet."""

    def __init__(self) -> None:
        super().__init__(
            "Shipmate", "Shipmate is just starting; this was not accepted.", remedy="Try again in a few seconds."
        )
