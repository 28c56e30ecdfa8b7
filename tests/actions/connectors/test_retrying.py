"""What is tried again, how long is waited, and what a person is told in the end."""

from collections.abc import Callable

import pytest

from actions.connectors.retrying import ATTEMPTS, Caller, Failure, Safety
from actions.core.errors import NotFound, OutcomeUnknown, OutsideError, Rejected, Unreachable


class Broken(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Line:
    """A system that fails some times, then answers."""

    def __init__(self, *failures: Failure) -> None:
        self.failures = list(failures)
        self.asked = 0
        self.waits: list[float] = []

    def ask(self) -> str:
        self.asked += 1
        if self.failures:
            raise Broken(self.failures.pop(0))
        return "answer"

    def call(self, safety: Safety = Safety.READ) -> str:
        def understand(error: Exception) -> Failure | None:
            return error.failure if isinstance(error, Broken) else None

        caller = Caller("GitLab", "http://there", "GITLAB_TOKEN", understand, self.waits.append, lambda: 1.0)
        return caller.call("the thing", self.ask, safety)


LOST = Failure("the connection broke off")
UNSENT = Failure("connection refused", sent=False)


def test_a_read_is_tried_again_with_growing_waits() -> None:
    line = Line(LOST, Failure("oops", 502))
    assert line.call() == "answer"
    assert line.waits == [0.2, 0.4]


def test_trying_again_has_a_bound() -> None:
    line = Line(*[LOST] * 10)
    with pytest.raises(Unreachable, match="does not answer at http://there"):
        line.call()
    assert line.asked == ATTEMPTS


def test_a_write_whose_answer_is_lost_is_not_repeated() -> None:
    line = Line(LOST)
    with pytest.raises(OutcomeUnknown, match="may or may not have happened"):
        line.call(Safety.ONCE)
    assert line.asked == 1


@pytest.mark.parametrize("failure", [UNSENT, Failure("later", 429)])
def test_a_write_that_did_not_arrive_is_repeated(failure: Failure) -> None:
    assert Line(failure).call(Safety.ONCE) == "answer"


def test_a_repeatable_write_is_repeated_but_its_outcome_stays_unknown() -> None:
    assert Line(LOST).call(Safety.REPEATABLE) == "answer"
    with pytest.raises(OutcomeUnknown):
        Line(*[LOST] * 10).call(Safety.REPEATABLE)


def test_retry_after_is_respected() -> None:
    line = Line(Failure("later", 429, retry_after=3))
    assert line.call() == "answer"
    assert line.waits == [3]


def test_a_long_retry_after_is_told_rather_than_waited() -> None:
    line = Line(Failure("later", 429, retry_after=3600))
    with pytest.raises(Unreachable, match="asks us to wait for 3600 s"):
        line.call()
    assert line.waits == []


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [
        (401, Rejected, "GITLAB_TOKEN"),
        (403, Rejected, "does not permit the thing"),
        (404, NotFound, "GitLab has no thing"),
        (409, Rejected, "refused the thing: no"),
    ],
)
def test_a_refusal_is_told_at_once(status: int, kind: type[OutsideError], says: str) -> None:
    line = Line(Failure("no", status))
    with pytest.raises(kind) as refused:
        line.call()
    assert says in str(refused.value)
    assert line.asked == 1


def test_a_bug_is_not_taken_for_a_failure_of_the_system() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    forget: Callable[[Exception], Failure | None] = lambda _: None  # noqa: E731
    with pytest.raises(ZeroDivisionError):
        Caller("GitLab", "http://there", "GITLAB_TOKEN", forget).call("the thing", fail)
