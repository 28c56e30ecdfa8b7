"""The control endpoint `/_sandbox/`: faults with what they entail, and colleagues who break things."""

import re
from typing import Any

from bot.sandbox import breakages, company
from bot.sandbox.faults import Fault, FaultError
from bot.sandbox.web import Answer, Call
from bot.sandbox.world import World

_FAULTS = re.compile(r"/_sandbox/faults(?:/(\d+))?$")


def answer(world: World, call: Call) -> Answer:
    """Answer one request that is for neither stand-in."""
    if call.path == "/_sandbox/health":
        return Answer.json({"status": "ok"})
    try:
        if call.path == "/_sandbox/breakages" and call.method == "POST":
            wanted = call.data
            return Answer.json(breakages.push(world.gitlab, str(wanted.get("service")), str(wanted.get("kind"))), 201)
        if match := _FAULTS.match(call.path):
            return _faults(world, call, int(match[1]) if match[1] else None)
    except (FaultError, breakages.BreakageError) as error:
        return Answer.json({"error": str(error)}, 400)
    known = "the stand-ins are at /gitlab and /argocd, control is at /_sandbox/faults and /_sandbox/breakages"
    return Answer.json({"error": known}, 404)


def _faults(world: World, call: Call, number: int | None) -> Answer:
    if call.method == "GET":
        return Answer.json(world.faults.all())
    if call.method == "DELETE":
        return Answer.json({"cleared": len(switch_off(world, call.one("system"), number))})
    return Answer.json({"id": switch_on(world, call.data).id}, 201)


def switch_on(world: World, wanted: dict[str, Any]) -> Fault:
    """Switch a fault on and bring about what lasts of it.

    Raises:
        FaultError: if it makes no sense.
    """
    if wanted.get("kind") == "unhealthy" and world.documents.get("argocd_application", wanted.get("target")) is None:
        raise FaultError(f"there is no application {wanted.get('target')!r}")
    fault = world.faults.add(**wanted)
    _entail(world, fault, on=True)
    return fault


def switch_off(world: World, system: str = "", number: int | None = None) -> list[Fault]:
    """Switch faults off and undo what they brought about."""
    gone = world.faults.clear(system, number)
    for fault in gone:
        _entail(world, fault, on=False)
    return gone


def _entail(world: World, fault: Fault, *, on: bool) -> None:
    with world.documents.lock:
        if fault.kind == "unhealthy":
            world.argocd.set_unhealthy(fault.target, "switched on in the sandbox: liveness probe failed" if on else "")
        elif fault.kind == "token_revoked":
            for entry in world.documents.all(f"{fault.system}_token"):
                if entry["username"] == (fault.target or company.BOT.name):
                    world.documents.put(f"{fault.system}_token", entry["token"], {**entry, "revoked": on})
