"""Opening, migrating and losing a database."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text

from actions.core.errors import Unreachable
from actions.core.ports.ledger import RequestQuery
from actions.core.request import State
from bot.stores.open import SqlStores, open_sql
from bot.stores.sql.database import StoreFault, UnusableDatabaseUrl
from bot.stores.sql.migrate import NewerDatabase
from bot.stores.sql.schema import metadata
from tests.bot.stores.conftest import new_database
from tests.bot.stores.making import NOW, accept


def test_the_migrations_lead_to_what_the_schema_says(stores: SqlStores) -> None:
    with stores.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_of_a_newer_shipmate_is_left_alone(url: str, stores: SqlStores) -> None:
    with stores.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerDatabase, match="9999"):
        open_sql(url)


def test_what_was_kept_is_there_after_a_restart(url: str) -> None:
    stores = open_sql(url)
    made = accept(stores)
    stores.close()
    again = open_sql(url)
    assert again.ledger.get(made.id) == made
    again.ping()
    again.close()


def test_a_database_in_memory_serves_one_process() -> None:
    stores = open_sql("sqlite://")
    made = accept(stores)
    assert stores.ledger.get(made.id) == made
    stores.close()


@pytest.mark.e2e
def test_work_resumes_by_itself_after_connections_were_lost(postgresql_socket: str) -> None:
    with new_database(postgresql_socket, template="template") as url:
        stores = open_sql(url)
        made = accept(stores)
        with psycopg.connect(host=postgresql_socket, user="postgres", autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shipmate'")
        assert stores.ledger.get(made.id) == made
        with pytest.raises(Unreachable, match="does not answer"), stores.database.write() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        accept(stores)
        assert stores.audit.verify() is None
        stores.close()


@pytest.mark.e2e
def test_a_server_that_does_not_answer_in_time_is_left(postgresql_socket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.stores.sql.patience.PatientConnection.answer_seconds", 0.3)
    with new_database(postgresql_socket, template="template") as url:
        stores = open_sql(url)
        with pytest.raises(Unreachable, match=r"no answer within 0\.3 s"), stores.database.read() as connection:
            connection.execute(text("SELECT pg_sleep(30)"))
        made = accept(stores)
        with stores.database.write() as holder:
            holder.execute(text("SELECT number FROM audit_head FOR UPDATE"))
            with pytest.raises(Unreachable, match="no answer within"):
                accept(stores)
        assert stores.ledger.get(made.id) == made
        accept(stores)
        stores.close()


@pytest.mark.e2e
def test_a_transaction_whose_client_fell_silent_is_given_up(
    postgresql_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.stores.sql.patience.IDLE_SECONDS", 1)
    with new_database(postgresql_socket, template="template") as url:
        stores = open_sql(url)
        silent = stores.database.engine.connect()
        silent.execute(text("SELECT number FROM audit_head FOR UPDATE"))
        accept(stores)
        silent.invalidate()
        silent.close()
        stores.close()


@pytest.mark.parametrize("url", ["mysql://root:hunter2@db/x", "not a url", "", "nonsense://x"])
def test_an_unusable_address_is_named_without_its_password(url: str) -> None:
    with pytest.raises(UnusableDatabaseUrl) as refused:
        open_sql(url)
    assert "hunter2" not in str(refused.value)


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="does not answer") as refused:
        open_sql("postgresql://shop:hunter2@127.0.0.1:9/shop")
    assert "hunter2" not in str(refused.value)


def test_a_file_that_is_no_database_is_unreachable(tmp_path: Path) -> None:
    path = tmp_path / "shipmate.db"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(Unreachable):
        open_sql(f"sqlite:///{path}")


def test_a_full_disk_is_unreachable_and_nothing_is_kept(tmp_path: Path) -> None:
    stores = open_sql(f"sqlite:///{tmp_path / 'shipmate.db'}")
    with stores.database.read() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(Unreachable, match="full"):
        accept(stores, said="long " * 100_000)
    assert stores.audit.verify() is None
    stores.close()


def test_a_database_that_may_only_be_read_refuses_and_still_answers(tmp_path: Path) -> None:
    path = tmp_path / "shipmate.db"
    writable = open_sql(f"sqlite:///{path}")
    made = accept(writable)
    stores = open_sql(f"sqlite:///file:{path}?mode=ro&uri=true")
    with pytest.raises(Unreachable, match="readonly"):
        accept(stores)
    assert stores.ledger.get(made.id) == made
    stores.close()
    writable.close()


def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.stores.sql.database._BUSY_SECONDS", 0)
    stores = open_sql(f"sqlite:///{tmp_path / 'shipmate.db'}")
    with stores.database.write(), pytest.raises(Unreachable, match="locked"):
        accept(stores)
    accept(stores)
    stores.close()


def test_no_question_of_every_day_reads_all_that_ever_was(tmp_path: Path) -> None:
    stores = open_sql(f"sqlite:///{tmp_path / 'shipmate.db'}")
    used: list[str] = []

    @event.listens_for(stores.database.engine, "before_cursor_execute")
    def explain(connection: Any, _: Any, statement: str, parameters: Any, *__: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "WITH")):
            plan = connection.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            used.extend(re.findall(r"INDEX (ix_\w+)|(SCAN requests)", " ".join(str(row[3]) for row in plan))[0])

    open_states = tuple(state for state in State if state.holds_lock)
    stores.ledger.find(RequestQuery(states=open_states, service="checkout", environment="staging"))
    stores.ledger.find(RequestQuery(service="checkout", environment="staging"))
    stores.ledger.find(RequestQuery(place_key="slack//C1/17.1"))
    stores.ledger.pollers_due(NOW)
    stores.ledger.lease_due("argocd", owner="w", now=NOW, until=NOW, limit=1)
    stores.ledger.lapsed(NOW)
    stores.ledger.expired(NOW)
    stores.deliveries.lagging("slack")
    assert "SCAN requests" not in used
    # Which of two that serve is SQLite's to choose, and differs by its version.
    assert {"ix_requests_due", "ix_requests_lagging", "ix_requests_place"} <= set(used)
    stores.close()


def test_a_wrong_statement_is_our_fault(tmp_path: Path) -> None:
    stores = open_sql(f"sqlite:///{tmp_path / 'shipmate.db'}")
    accept(stores, cause="once")
    with pytest.raises(StoreFault), stores.database.write() as connection:
        connection.execute(text("UPDATE requests SET cause = NULL"))
    stores.close()
