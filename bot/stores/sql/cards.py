"""What cards need to be kept: the actions behind their buttons, and how far each has been drawn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, bindparam, case, select, text, update

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
        standing = select(offers.c.id).where(
            *(offers.c[name] == row[name] for name in ("request", "action", "parameters_hash"))
        )
        with self._database.read() as connection:
            known = connection.execute(standing).scalar()
        if known is not None:
            return str(known)
        with self._database.write() as connection:
            connection.execute(self._keep, row)
            return str(connection.execute(standing).scalar_one())

    def get(self, offer_id: str) -> Offer | None:
        """The offer behind a button."""
        with self._database.read() as connection:
            row = connection.execute(select(offers).where(offers.c.id == offer_id)).mappings().first()
        if row is None:
            return None
        given = {**row, "request": row["request"] or None, "parameters": json.loads(row["parameters"])}
        return Offer.model_validate(given)


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
        drawn = {name: new.excluded[name] for name in ("surface", "reference", "version", "failed", "updated_at")}
        self._note = new.on_conflict_do_update(
            index_elements=["request", "place_key"], set_=drawn, where=deliveries.c.version <= new.excluded.version
        )

    def get(self, request_id: str, place_key: str) -> Delivery | None:
        """The delivery of a request's card to a thread."""
        query = select(deliveries).where(
            deliveries.c.request == number_of(request_id), deliveries.c.place_key == place_key
        )
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _delivery(row)

    def note(self, delivery: Delivery) -> None:
        """Record how far a card has been drawn; an older version never overwrites a newer one."""
        number = number_of(delivery.request)
        row = delivery.model_dump() | {
            "request": number,
            "reference": canonical(delivery.reference),
            "failed": prose(delivery.failed),
        }
        with self._database.write() as connection:
            connection.execute(self._note, row)
            where = {"of_request": number, "at_place": delivery.place_key, "drawn": delivery.version}
            connection.execute(_draw, where)

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
