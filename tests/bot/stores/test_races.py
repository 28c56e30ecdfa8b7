"""Many at once: one winner, one cause, one lock, one lease, one migration."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import text

from actions.core.ports.ledger import LEASE, Conflict, Draft, LockHeld
from actions.core.request import Decision, State
from bot.stores.open import SqlStores, open_sql
from bot.stores.sql.migrations import versions
from tests.bot.stores.making import NOW, accept, move, request, waiting

CROWD = 8


def test_one_of_two_approvals_wins(stores: SqlStores) -> None:
    made = accept(stores, state=State.AWAITING_APPROVAL, takes_lock=True, seal="s")
    start = Barrier(CROWD)

    def approve(who: int) -> bool:
        word = Decision(person=f"p{who}", approved=True, at=NOW, seal="s")
        step = move(made, by=word.person, state=State.ACCEPTED, decision=word, decisions=(word,))
        start.wait()
        try:
            stores.ledger.advance(step, now=NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(CROWD) as pool:
        assert sum(pool.map(approve, range(CROWD))) == 1
    kept = stores.ledger.get(made.id)
    assert kept is not None
    assert (kept.version, len(kept.decisions)) == (2, 1)
    assert stores.audit.verify() is None


def test_one_cause_makes_one_request_whoever_is_first(stores: SqlStores) -> None:
    start = Barrier(CROWD)

    def ask(_: int) -> tuple[str, bool]:
        draft = Draft(request=request(cause="said/1"), by="dana")
        start.wait()
        made, new = stores.ledger.accept(draft, now=NOW)
        return made.id, new

    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(ask, range(CROWD)))
    assert len({made for made, _ in answers}) == 1
    assert sum(new for _, new in answers) == 1


def test_one_operation_gets_the_lock(stores: SqlStores) -> None:
    start = Barrier(CROWD)

    def ask(_: int) -> bool:
        draft = Draft(request=request(takes_lock=True), by="dana")
        start.wait()
        try:
            stores.ledger.accept(draft, now=NOW)
        except LockHeld:
            return False
        return True

    with ThreadPoolExecutor(CROWD) as pool:
        assert sum(pool.map(ask, range(CROWD))) == 1
    assert stores.audit.verify() is None


def test_every_due_operation_is_leased_once(stores: SqlStores) -> None:
    for _ in range(40):
        waiting(stores)
    start = Barrier(CROWD)

    def lease(who: int) -> list[str]:
        start.wait()
        batch = stores.ledger.lease_due("argocd", owner=f"w{who}", now=NOW, until=NOW + LEASE, limit=7)
        return [each.id for each in batch]

    with ThreadPoolExecutor(CROWD) as pool:
        leased = [each for batch in pool.map(lease, range(CROWD)) for each in batch]
    leased += [each.id for each in stores.ledger.lease_due("argocd", owner="w", now=NOW, until=NOW + LEASE, limit=99)]
    assert sorted(leased) == sorted(f"R-{number}" for number in range(1, 41))


def test_batches_that_overlap_do_not_block_each_other(stores: SqlStores) -> None:
    made = [accept(stores) for _ in range(20)]
    start = Barrier(CROWD)

    def run(who: int) -> int:
        moves = [move(each, state=State.RUNNING) for each in (made if who % 2 else reversed(made))]
        start.wait()
        return sum(not isinstance(answer, Conflict) for answer in stores.ledger.advance_many(moves, now=NOW))

    with ThreadPoolExecutor(CROWD) as pool:
        assert sum(pool.map(run, range(CROWD))) == len(made)
    assert stores.audit.verify() is None


RACER = """
import sys
from actions.core.ports.ledger import Conflict
from actions.core.request import State
from bot.stores.open import open_sql
from tests.bot.stores.making import NOW, move
stores = open_sql(sys.argv[1])
made = [stores.ledger.get(f"R-{number}") for number in range(1, 51)]
print("ready", flush=True)
sys.stdin.readline()
wins = 0
for each in made:
    try:
        stores.ledger.advance(move(each, state=State.DONE), now=NOW)
        wins += 1
    except Conflict:
        pass
print(wins)
"""

STARTER = """
import sys
from bot.stores.open import open_sql
print("ready", flush=True)
sys.stdin.readline()
stores = open_sql(sys.argv[1])
print(stores.audit.verify())
"""


def race(program: str, url: str, *, runners: int) -> list[str]:
    """Run a program several times at once, let them all go together, and give their last words."""
    command = [sys.executable, "-c", program, url]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(runners)
    ]
    for each in running:
        assert each.stdout
        assert each.stdout.readline() == "ready\n"
    words = []
    for each in running:
        assert each.stdin
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in running:
        said, _ = each.communicate(timeout=60)
        assert each.returncode == 0
        words.append(said.strip())
    return words


@pytest.mark.wheels
def test_two_processes_share_the_wins(url: str) -> None:
    stores = open_sql(url)
    for _ in range(50):
        accept(stores)
    assert sum(map(int, race(RACER, url, runners=2))) == 50
    assert stores.audit.verify() is None
    stores.close()


@pytest.mark.wheels
def test_several_processes_may_start_on_an_empty_database(empty_url: str) -> None:
    assert race(STARTER, empty_url, runners=4) == ["None"] * 4
    stores = open_sql(empty_url)
    with stores.database.read() as connection:
        newest = max(path.stem[1:5] for path in Path(versions.__file__).parent.glob("r*.py"))
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [newest]
    stores.close()
