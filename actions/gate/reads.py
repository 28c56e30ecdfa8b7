"""Reads that are part of another request's work: by the same person's rights, judged and recorded like any other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from actions.core.action import Risk
from actions.core.errors import Refused
from actions.core.places import Place
from actions.core.request import Origin, Proposal, Request
from actions.gate.gate import Gate


@dataclass(frozen=True)
class GateReads:
    """Stands behind the port `Reads`.

    Attributes:
        gate: the gate that each passes.
    """

    gate: Gate

    def read(self, request: Request, action: str, parameters: Mapping[str, JsonValue]) -> Request:
        """Read something as the one who asked for `request`; the same thing once a request.

        Raises:
            Refused: it is no read that people may ask for, or its parameters are not acceptable.
        """
        policy = self.gate.catalog[action].policy
        if policy.risk is not Risk.READ or not policy.public or policy.private:
            raise Refused(f"{action} is no read, so it is not done to answer a question.")
        said = json.dumps([action, dict(parameters)], sort_keys=True)
        proposal = Proposal(
            action=action,
            parameters=dict(parameters),
            requester=request.requester,
            # A place of its own: it has no card, and nothing in the thread means it by "it".
            place=Place(surface="answer", channel=request.id),
            cause=f"answer:{request.marker}:{hashlib.sha256(said.encode()).hexdigest()[:16]}",
            origin=Origin.MODEL,
            said=f"to answer {request.id}",
        )
        return self.gate.submit(proposal, here=True)
