"""What cards need to be kept: the actions behind their buttons, and how far each has been drawn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, case, select, text, update

from actions.core.ports.ledger import Delivery, Offer
from actions.core.request import Request
from bot.stores.sql.chain import canonical
from bot.stores.sql.database import Database
from bot.stores.sql.records import id_of, number_of, prose, to_request
from bot.stores.sql.schema import deliveries, offers, requests

_draw = (
    update(requests)
    .where(requests.c.number == bindparam("of_request"), requests.c.place_key == bindparam("at_place"))
    .values(
        drawn_version=case(
            (requests.c.drawn_version < bindparam("drawn"), bindparam("drawn")), else_=requests.c.drawn_version
        )
    )
)


_by_id = select(offers).where(offers.c.id == bindparam("wanted"))
_of_request = select(offers).where(offers.c.request == bindparam("of_request"))
_among = select(offers.c.id).where(offers.c.id.in_(bindparam("ids", expanding=True)))
_standing = select(offers.c.id).where(
    *(offers.c[name] == bindparam(name) for name in ("request", "action", "parameters_hash"))
)
_by_place = select(deliveries).where(
    deliveries.c.request == bindparam("of_request"), deliveries.c.place_key == bindparam("at_place")
)


class SqlOffers:
    """What buttons hold.

    Args:
        database: where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keep = database.insert(offers).on_conflict_do_nothing()

    def offer(self, offer: Offer) -> str:
        """Keep an offer, once for the same request, action and parameters; the id of the one that stands.

        Offers without a request are told apart by their thread too: each answers in its own.
        """
        row = _offer_row(offer)
        with self._database.read() as connection:
            known = connection.execute(_standing, row).scalar()
        return self.keep([offer]).get(offer.id, offer.id) if known is None else str(known)

    def keep(self, some: Sequence[Offer]) -> Mapping[str, str]:
        """Keep offers in one transaction; where one stood already, its id by the id of the one that was not kept."""
        with self._database.write() as connection:
            return keep_offers(connection, self._keep, some)

    def of(self, request_id: str) -> Sequence[Offer]:
        """What the buttons of a request hold."""
        with self._database.read() as connection:
            rows = connection.execute(_of_request, {"of_request": request_id}).mappings().all()
        return [_offer(row) for row in rows]

    def get(self, offer_id: str) -> Offer | None:
        """The offer behind a button."""
        with self._database.read() as connection:
            row = connection.execute(_by_id, {"wanted": offer_id}).mappings().first()
        return None if row is None else _offer(row)


def keep_offers(connection: Connection, statement: Any, some: Sequence[Offer]) -> dict[str, str]:
    """Keep offers within a transaction; the standing ids by those of the offers that were not kept."""
    rows = [_offer_row(offer) for offer in some]
    connection.execute(statement, rows)
    kept = set(connection.execute(_among, {"ids": [row["id"] for row in rows]}).scalars())
    return {row["id"]: str(connection.execute(_standing, row).scalar_one()) for row in rows if row["id"] not in kept}


def _offer(row: RowMapping) -> Offer:
    return Offer.model_validate({**row, "request": row["request"] or None, "parameters": json.loads(row["parameters"])})


def _offer_row(offer: Offer) -> dict[str, Any]:
    said = canonical(offer.parameters if offer.request else [offer.parameters, offer.place_key])
    return {
        **offer.model_dump(exclude={"request", "parameters"}),
        "request": offer.request or "",
        "parameters": canonical(offer.parameters),
        "parameters_hash": hashlib.sha256(said.encode()).hexdigest(),
    }


class SqlDeliveries:
    """Which cards stand where, and at which version of their request.

    Args:
        database: where it is kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        new = database.insert(deliveries)
        self._keep = database.insert(offers).on_conflict_do_nothing()
        drawn = {name: new.excluded[name] for name in ("surface", "reference", "version", "failed", "updated_at")}
        self._note = new.on_conflict_do_update(
            index_elements=["request", "place_key"], set_=drawn, where=deliveries.c.version <= new.excluded.version
        )

    def get(self, request_id: str, place_key: str) -> Delivery | None:
        """The delivery of a request's card to a thread."""
        where = {"of_request": number_of(request_id), "at_place": place_key}
        with self._database.read() as connection:
            row = connection.execute(_by_place, where).mappings().first()
        return None if row is None else _delivery(row)

    def note(self, delivery: Delivery, *, holding: Sequence[Offer] = ()) -> bool:
        """Record how far a card has been drawn, and what its new buttons hold.

        An older version never overwrites a newer one.

        Returns:
            Whether everything was kept. Where an offer stood already the card's button has an id that nobody knows, so
            the card is recorded as one version behind, and is to be drawn again.
        """
        number = number_of(delivery.request)
        row = delivery.model_dump() | {
            "request": number,
            "reference": canonical(delivery.reference),
            "failed": prose(delivery.failed),
        }
        with self._database.write() as connection:
            whole = not (holding and keep_offers(connection, self._keep, holding))
            row["version"] -= not whole
            connection.execute(self._note, row)
            where = {"of_request": number, "at_place": delivery.place_key, "drawn": row["version"]}
            connection.execute(_draw, where)
        return whole

    def failed(self, surface: str, *, since: datetime, limit: int = 100) -> Sequence[Delivery]:
        """Cards that could be delivered nowhere, the latest first."""
        query = (
            select(deliveries)
            .where(deliveries.c.surface == surface, deliveries.c.failed != "", deliveries.c.updated_at >= since)
            .order_by(deliveries.c.updated_at.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(query).mappings()]

    def lagging(self, surface: str, *, limit: int = 100) -> Sequence[Request]:
        """Requests whose card in their own thread is missing, or older than the last change it would show."""
        query = (
            select(requests)
            # The words of the index, so that both databases see that it serves.
            .where(requests.c.surface == surface, text("drawn_version < shown_version"))
            .order_by(requests.c.number)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [to_request(row) for row in connection.execute(query).mappings()]


def _delivery(row: RowMapping) -> Delivery:
    return Delivery.model_validate({**row, "request": id_of(row["request"]), "reference": json.loads(row["reference"])})
