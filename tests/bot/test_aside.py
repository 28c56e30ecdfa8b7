"""Errands beside the work."""

from __future__ import annotations

from threading import Event, get_ident

from bot.aside import Aside


def test_errands_are_done_beside_the_work_in_their_order_and_before_it_is_over() -> None:
    aside, going_on, done, threads = Aside(), Event(), list[int](), set[int]()

    def errand(number: int) -> None:
        going_on.wait(10)
        done.append(number)
        threads.add(get_ident())

    with aside.open():
        for number in range(3):
            aside(lambda number=number: errand(number))  # type: ignore[misc]
        assert not done
        going_on.set()
    assert done == [0, 1, 2]
    assert get_ident() not in threads


def test_elsewhere_they_are_done_at_once() -> None:
    aside, done = Aside(), list[int]()
    aside(lambda: done.append(1))
    with aside.open():
        pass
    aside(lambda: done.append(2))
    assert done == [1, 2]


def test_one_that_fails_keeps_none_from_being_done() -> None:
    aside, done = Aside(), list[int]()
    with aside.open():
        aside(lambda: done.remove(7))
        aside(lambda: done.append(2))
    assert done == [2]
