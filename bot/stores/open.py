"""Opens what is kept: the SQL stores by one address, the Redis stores by another."""

from __future__ import annotations

from contextlib import AbstractContextManager

from redis import Redis

from actions.core.errors import Unreachable
from actions.core.ports.answers import Drafts
from actions.core.ports.ledger import (
    AuditTrail,
    Deliveries,
    Deployments,
    Freezes,
    Grants,
    Installations,
    Ledger,
    Offers,
    Tokens,
)
from actions.core.ports.messaging import Bus, Inbox, Queue, Sessions
from actions.core.ports.opinions import Opinions
from actions.core.ports.usage import Uses
from bot.stores.redis.bus import RedisBus
from bot.stores.redis.client import answering, open_client
from bot.stores.redis.drafts import RedisDrafts
from bot.stores.redis.inbox import RedisInbox
from bot.stores.redis.queue import QUEUES, RqQueue
from bot.stores.redis.sessions import RedisSessions
from bot.stores.sql.cards import SqlDeliveries, SqlOffers
from bot.stores.sql.chain import SqlAuditTrail
from bot.stores.sql.database import Database, open_engine
from bot.stores.sql.deployments import SqlDeployments
from bot.stores.sql.installations import SqlInstallations
from bot.stores.sql.ledger import SqlLedger
from bot.stores.sql.migrate import migrate
from bot.stores.sql.opinions import SqlOpinions
from bot.stores.sql.standing import SqlFreezes, SqlGrants
from bot.stores.sql.tokens import SqlTokens
from bot.stores.sql.usage import SqlUses


class SqlStores:
    """All that is kept for good, behind its ports.

    Args:
        database: an open database of the newest schema.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ledger: Ledger = SqlLedger(database)
        self.grants: Grants = SqlGrants(database)
        self.freezes: Freezes = SqlFreezes(database)
        self.deployments: Deployments = SqlDeployments(database)
        self.audit: AuditTrail = SqlAuditTrail(database)
        self.offers: Offers = SqlOffers(database)
        self.deliveries: Deliveries = SqlDeliveries(database)
        self.tokens: Tokens = SqlTokens(database)
        self.installations: Installations = SqlInstallations(database)
        self.uses: Uses = SqlUses(database)
        self.opinions: Opinions = SqlOpinions(database)

    def migrate(self) -> None:
        """Bring the database to the newest schema.

        Raises:
            Unreachable: the database does not answer.
            NewerDatabase: a newer Shipmate has changed the schema.
        """
        migrate(self.database.engine)

    def together(self) -> AbstractContextManager[None]:
        """Have what this thread reads within share one connection."""
        return self.database.together()

    def ping(self) -> None:
        """See whether the database answers; raises `Unreachable` where it does not."""
        self.database.ping()

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


def sql_stores(url: str) -> SqlStores:
    """The stores in the database at an address; nothing is connected yet.

    Raises:
        UnusableDatabaseUrl: the address names no database that can be used.
    """
    return SqlStores(Database(open_engine(url)))


def open_sql(url: str) -> SqlStores:
    """Open the database at an address and bring it to the newest schema.

    Call it after a fork, never before: connections do not survive one.

    Raises:
        UnusableDatabaseUrl: the address names no database that can be used.
        Unreachable: the database does not answer.
        NewerDatabase: a newer Shipmate has changed the schema.
    """
    stores = sql_stores(url)
    try:
        stores.migrate()
    except BaseException:
        stores.close()
        raise
    return stores


class RedisStores:
    """All that passes through, behind its ports.

    Args:
        client: an open Redis.
    """

    def __init__(self, client: Redis) -> None:
        self.client = client
        self.sessions: Sessions = RedisSessions(client)
        self.inbox: Inbox = RedisInbox(client)
        self.bus: Bus = RedisBus(client)
        self.drafts: Drafts = RedisDrafts(client, self.bus)
        self.queue: Queue = RqQueue(client)

    def ping(self) -> None:
        """See whether Redis answers; raises `Unreachable` where it does not."""
        with answering():
            self.client.ping()

    def tended(self) -> None:
        """See whether a worker listens to each queue; raises `Unreachable` where none does."""
        with answering():
            idle = [queue for queue in QUEUES if not self.client.exists(f"rq:workers:{queue}")]
        if idle:
            raise Unreachable(
                "The queue", f"No worker listens to {', '.join(idle)}.", remedy="Start one with `shipmate worker`."
            )

    def close(self) -> None:
        """Close every connection."""
        self.client.close()
        self.client.connection_pool.disconnect()


def open_redis(url: str) -> RedisStores:
    """Open the Redis at an address; nothing is connected until it is used.

    Raises:
        UnusableRedisUrl: it is no address of a Redis.
    """
    return RedisStores(open_client(url))
