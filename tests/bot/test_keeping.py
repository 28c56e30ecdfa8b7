"""What is leased is renewed for as long as the work goes on, whatever a renewal does."""

from __future__ import annotations

from threading import Event

from bot.keeping import Keeper


def test_what_is_held_is_renewed_until_the_work_is_over_and_after_a_failure_too() -> None:
    renewed: list[str] = []
    again = Event()

    def renew(held: str) -> None:
        renewed.append(held)
        if len(renewed) == 1:
            raise OSError("gone")
        again.set()

    keeper = Keeper(renew, 0.001, name="test")
    with keeper.keeping("first"), keeper.keeping("second"):
        assert again.wait(10)
    assert set(renewed) == {"first", "second"}
    thread = keeper._thread
    assert thread is not None
    thread.join(10)
    over = len(renewed)
    with keeper.keeping("third"):
        assert not thread.is_alive()
        assert keeper._thread is not thread
    assert renewed[over:] in ([], ["third"])
