"""The gate: every request from every door passes here, at the desk and again in the worker just before the work.

It fails closed: a guard that throws refuses, a model's reading is shown back, an approval holds for one sealed plan, and what
became of a lost answer is looked up, never tried again to find out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from actions.core.action import Action, Operation, Progress, Risk
from actions.core.catalog import Catalog, Verb
from actions.core.context import Context, Tools
from actions.core.errors import OutcomeUnknown, Refused, ShipmateError, Unreachable
from actions.core.kinds import Vocabulary
from actions.core.plan import Plan, seal
from actions.core.ports.ledger import LEASE, Conflict, Draft, Freezes, Grants, Ledger, LockHeld, Move
from actions.core.ports.messaging import Bus, Change, Queue
from actions.core.ports.surroundings import Clock
from actions.core.redaction import redact
from actions.core.request import Proposal, Request, State, Verdict
from actions.gate.case import Case, Guard
from actions.gate.guards import GUARDS
from actions.gate.guards.lock import held
from actions.gate.progress import recorded
from actions.gate.standing import approval_verdict, approved_by, roles_of

log = logging.getLogger("shipmate.gate")

Heartbeat = Callable[[Sequence[Request]], AbstractContextManager[object]]
Aside = Callable[[Callable[[], None]], None]
"""Has something done for which nobody waits: jobs and news that a sweep would make good."""

CONFIRM_WITHIN = timedelta(minutes=15)
ATTEMPTS = 3
"""How often a request that a worker dropped before anything was asked of the outside is taken up again."""


class BadParameters(Refused):
    """Parameters that the action's own class does not accept; every fault at once."""

    def __init__(self, action: str, faults: Sequence[str]) -> None:
        super().__init__(" ".join(faults), remedy=f"“help {action.replace('_', ' ')}” shows how to say it.")
        self.action = action


class Outdated(Refused):
    """A recorded request is no longer anything that this Shipmate could do: its verb or its parameters are gone."""

    def __init__(self, found: str) -> None:
        super().__init__(found, remedy="Ask again, in the words that are known now.")


@dataclass(frozen=True)
class Gate:
    """The way from a proposal to an effect.

    Attributes:
        catalog: every verb.
        tools: the organization and the ports that verbs use.
        ledger: the truth about requests.
        grants: roles given by people.
        freezes: the kill switch.
        queue: jobs for the workers.
        bus: tells who listens that a request changed.
        clock: the time.
        worker: names this process, for leases.
        guards: in the order in which they judge.
        heartbeat: keeps the leases on requests while they are worked on; workers renew them from a thread.
        aside: pushes jobs and tells the bus; at once by default, and beside the answer where somebody waits for one.
    """

    catalog: Catalog
    tools: Tools
    ledger: Ledger
    grants: Grants
    freezes: Freezes
    queue: Queue
    bus: Bus
    clock: Clock
    worker: Callable[[], str]
    guards: Sequence[Guard] = GUARDS
    heartbeat: Heartbeat = field(default=lambda _: nullcontext())
    aside: Aside = field(default=lambda errand: errand())

    # -- at the desk ------------------------------------------------------------------------------------------------

    def submit(self, proposal: Proposal, *, here: bool = False, new: bool = False) -> Request:
        """Judge a proposal and, if it may go on, have it done: at once where it is quick, by a worker otherwise.

        A cause that is known already answers with the request it made.

        Args:
            proposal: what is asked for.
            here: whether this process does the work, being a worker that needs it for another request.
            new: whether the caller has just found that the ledger does not know the cause; the ledger still keeps it
                from making a second request.

        Raises:
            UnknownVerb: there is no such action.
            BadParameters: the parameters are not acceptable; says all that is wrong with them.
            Unreachable: the ledger does not answer; nothing was accepted.
        """
        known = None if new else self.ledger.by_cause(proposal.cause)
        if known is not None:
            # Who asked first may have died before a worker was told; told twice, it is done once.
            self.dispatch(known)
            return known
        verb = self.catalog[proposal.action]
        action = self._parsed(verb, proposal)
        draft = self._draft(proposal, verb, action)
        refusal, verdicts = self._judge(draft, action)
        draft = draft.model_copy(update={"verdicts": verdicts})
        if refusal is not None:
            return self._accept(_refused(draft, refusal))
        if verb.policy.queue == "inline":
            return self._at_once(draft, action)
        try:
            accepted, new = self._recorded(draft)
        except LockHeld as found:
            verdict = held(found)
            judged = tuple(verdict if v.guard == verdict.guard else v for v in verdicts)
            return self._accept(_refused(draft.model_copy(update={"verdicts": judged}), verdict))
        if here:
            return self.perform(accepted.id) or accepted
        self.dispatch(accepted)
        if new:
            self.announce(accepted)
        return accepted

    def dispatch(self, request: Request) -> None:
        """Have a worker take up an accepted request. If the queue does not answer, the sweep pushes it again."""
        if request.state is not State.ACCEPTED or request.action not in self.catalog:
            return
        policy = self.catalog[request.action].policy
        queue = "query" if policy.queue == "inline" else policy.queue

        def push() -> None:
            try:
                self.queue.perform(queue, request.id, timeout=policy.timeout.total_seconds())
            except Unreachable:
                log.warning("the queue does not answer; the sweep will push %s again", request.id)

        if policy.risk is Risk.READ:
            # There is no card to be drawn before it: what people wait for is the answer.
            push()
        else:
            self.aside(push)

    def _parsed(self, verb: Verb, proposal: Proposal) -> Action[Any]:
        vocabulary = self.tools.organization
        try:
            return verb.parse(proposal.parameters, vocabulary)
        except ValidationError as error:
            raise BadParameters(proposal.action, faults_of(error, verb)) from None

    def _draft(self, proposal: Proposal, verb: Verb, action: Action[Any]) -> Request:
        now = self.clock.now()
        parameters = action.parameters()
        service, environment = parameters.get("service"), parameters.get("environment")
        policy = verb.policy
        return Request(
            id="",
            action=policy.name,
            parameters=parameters,
            requester=proposal.requester,
            place=proposal.place,
            cause=proposal.cause,
            origin=proposal.origin,
            sources=proposal.sources,
            said=redact(proposal.said),
            notes=proposal.notes,
            occasion=proposal.occasion,
            service=service if isinstance(service, str) else None,
            environment=environment if isinstance(environment, str) else None,
            changes=policy.risk is not Risk.READ and not policy.control,
            takes_lock=policy.lock,
            state=State.ACCEPTED,
            confirmed=policy.risk is Risk.READ or not proposal.needs_confirmation,
            policy_version=self.tools.organization.policy_version,
            poller=policy.poller,
            created_at=now,
            updated_at=now,
        )

    def _judge(self, request: Request, action: Action[Any]) -> tuple[Verdict | None, tuple[Verdict, ...]]:
        """Every guard's verdict up to the first refusal, and that refusal."""
        now = self.clock.now()
        organization = self.tools.organization
        roles = roles_of(request.requester, organization, self.grants, now)
        case = Case(request, action, roles, organization, self.ledger, self.freezes, now)
        verdicts: list[Verdict] = []
        for guard in self.guards:
            try:
                verdict = guard.judge(case)
            except Unreachable:
                raise
            except Exception:
                log.exception("the guard %s failed on %s", guard.name, request.id or request.cause)
                verdict = Verdict(
                    guard=guard.name,
                    rule="a guard that fails refuses",
                    allowed=False,
                    message=f"The check “{guard.name}” failed, so this is refused.",
                    remedy="The log says why; whoever runs Shipmate can mend it.",
                )
            verdicts.append(verdict)
            if not verdict.allowed:
                return verdict, tuple(verdicts)
        return None, tuple(verdicts)

    def _accept(self, draft: Request) -> Request:
        accepted, new = self._recorded(draft)
        if new:
            self.announce(accepted)
        return accepted

    def _recorded(self, draft: Request) -> tuple[Request, bool]:
        now = self.clock.now()
        if draft.state.is_final:
            draft = draft.model_copy(update={"finished_at": now})
        return self.ledger.accept(Draft(request=draft, by=draft.requester.name), now=now)

    def _at_once(self, draft: Request, action: Action[Any]) -> Request:
        """Do a quick verb here. A read is recorded once it is done; a change is recorded before."""
        waits = not draft.confirmed or (approval_verdict(draft) is not None)
        if waits:
            accepted = self._accept(draft)
            return self.perform(accepted.id) or accepted
        if action.policy.risk is Risk.READ:
            return self._accept(self._ran(draft, action))
        now = self.clock.now()
        taken = {
            "state": State.RUNNING,
            "lease_owner": self.worker(),
            "lease_until": now + LEASE,
            "fence": 1,
            "handle": {},
        }
        accepted, new = self.ledger.accept(
            Draft(request=draft.model_copy(update=taken), by=draft.requester.name), now=now
        )
        return self._advance(accepted, self._ran(accepted, action)) if new else accepted

    def _ran(self, request: Request, action: Action[Any]) -> Request:
        """The request after its quick work, with the result or the reason why there is none."""
        context = self.context(request)
        try:
            action.plan(context)
            result = action.run(context)
        except Exception as error:  # noqa: BLE001 - whatever a verb raises becomes a sentence on the card
            return self._failed(request, error)
        return _ended(request, State.DONE, outcome="done", result=result.model_dump(mode="json"))

    # -- in the worker ----------------------------------------------------------------------------------------------

    def perform(self, request_id: str) -> Request | None:
        """Take up an accepted request: judge again, plan, wait for people where that is due, and do or start it.

        Returns:
            The request afterwards; None where it was not there to be taken up, as when somebody else has it.
        """
        now = self.clock.now()
        request = self.ledger.lease(request_id, owner=self.worker(), now=now, until=now + LEASE)
        if request is None:
            return None
        with self.heartbeat([request]):
            try:
                return self._work(request)
            except Conflict:
                # Somebody advanced it meanwhile: a cancellation, or another worker after this one's lease lapsed.
                return self.ledger.get(request_id)

    def _work(self, before: Request) -> Request:
        """Judge, plan and do what this worker has leased.

        Steps are compared with the request as it was leased: who was overtaken meanwhile records nothing more.
        """
        try:
            action = self.action_of(before, self.tools.organization)
        except Outdated as error:
            return self._advance(before, self._failed(before, error))
        request, plan = self._planned(before, action)
        if plan is None:
            return self._advance(before, request)
        if action.policy.risk is Risk.READ and not isinstance(action, Operation):
            # Nothing outside is changed, so nothing has to be noted before.
            return self._advance(before, self._ran_planned(request.model_copy(update={"plan": plan}), action))
        # From here on something may be asked of the outside: an empty handle says so before it is.
        begun = {"state": State.RUNNING, "plan": plan, "handle": {}}
        request = self._advance(before, request.model_copy(update=begun))
        if not isinstance(action, Operation):
            return self._advance(request, self._ran_planned(request, action))
        return self._start(request, action, plan)

    def _planned(self, request: Request, action: Action[Any]) -> tuple[Request, Plan | None]:
        """The request as judged, and its plan; none where it stops here: refused, failed, or waiting for people."""
        refusal, verdicts = self._judge(request, action)
        request = request.model_copy(update={"verdicts": verdicts})
        if refusal is not None:
            return _refused(request, refusal), None
        try:
            plan = action.plan(self.context(request))
        except Exception as error:  # noqa: BLE001 - whatever a verb raises becomes a sentence on the card
            return self._failed(request, error), None
        if plan.second_person or (self.tools.organization.policies and plan.target_state):
            # What was left to the plan to find, such as a version, is known only now, and a policy may be about it.
            refusal, verdicts = self._judge(request.model_copy(update={"plan": plan}), action)
            request = request.model_copy(update={"verdicts": verdicts})
            if refusal is not None:
                return _refused(request, refusal), None
        paused = self._for_people(request, plan)
        return (request, plan) if paused is None else (paused, None)

    def _for_people(self, request: Request, plan: Plan) -> Request | None:
        """The request waiting for people, or refused because what they approved has drifted; None where it may go on."""
        now = self.clock.now()
        waiting: dict[str, Any] = {"plan": plan, "lease_owner": None, "lease_until": None}
        if not request.confirmed or _is_another(request, plan):
            waiting["confirmed"] = False
            asks = {**waiting, "state": State.AWAITING_CONFIRMATION, "expires_at": now + CONFIRM_WITHIN}
            return request.model_copy(update=asks)
        wanted = approval_verdict(request)
        if wanted is None:
            return None
        sealed = seal(
            action=request.action,
            parameters=request.parameters,
            requester=request.requester.name,
            target_state=plan.target_state,
            policy_version=self.tools.organization.policy_version,
        )
        if not request.seal:
            asks = {
                **waiting,
                "state": State.AWAITING_APPROVAL,
                "seal": sealed,
                "policy_version": self.tools.organization.policy_version,
                "expires_at": now + timedelta(seconds=wanted.wait_seconds),
            }
            return request.model_copy(update=asks)
        if sealed != request.seal:
            return _void(request, plan)
        if len(self.approved_by(request)) < wanted.approvals:
            # Whoever approved it may not any more.
            until = now + timedelta(seconds=wanted.wait_seconds)
            return request.model_copy(update={**waiting, "state": State.AWAITING_APPROVAL, "expires_at": until})
        return None

    def approved_by(self, request: Request) -> tuple[str, ...]:
        """Who has approved a request's present plan, and may still."""
        return approved_by(request, self.catalog, self.tools.organization, self.grants, self.clock.now())

    def _ran_planned(self, request: Request, action: Action[Any]) -> Request:
        try:
            result = action.run(self.context(request))
        except Exception as error:  # noqa: BLE001 - whatever a verb raises becomes a sentence on the card
            return self._failed(request, error)
        return _ended(request, State.DONE, outcome="done", result=result.model_dump(mode="json"))

    def _start(self, request: Request, action: Operation[Any], plan: Plan) -> Request:
        try:
            progress: Progress = action.start(self.context(request), plan)
        except OutcomeUnknown as error:
            return self._advance(request, _unknown(request, error))
        except ShipmateError as error:
            return self._advance(request, self._failed(request, error))
        except Exception as error:
            # A fault of ours, or the worker's time limit, tells nothing of how far it had come.
            log.exception("starting %s broke off", request.id)
            system = request.action.replace("_", " ")
            broke_off = OutcomeUnknown(system, f"Starting it broke off inside Shipmate ({type(error).__name__}).")
            return self._advance(request, _unknown(request, broke_off))
        return self.record(request, progress)

    def record(self, request: Request, progress: Progress) -> Request:
        """Record how an operation is getting on, and have it polled soon if it says so."""
        now = self.clock.now()
        after, deployment = recorded(request, progress, now)
        move = Move(before=request, after=after, by="shipmate", note=after.outcome, deployment=deployment)
        advanced = self.ledger.advance(move, now=now)
        self.announce(advanced)
        if advanced.state is State.WAITING and advanced.next_poll_at is not None and advanced.next_poll_at <= now:
            self.poll_soon(advanced.poller)
        return advanced

    def poll_soon(self, poller: str) -> None:
        """Have a worker poll a connector now; if the queue does not answer, the clock does so later."""
        try:
            self.queue.poll(poller)
        except Unreachable:
            log.warning("the queue does not answer; %s is polled later", poller)

    # -- shared -----------------------------------------------------------------------------------------------------

    def action_of(self, request: Request, vocabulary: Vocabulary | None = None) -> Action[Any]:
        """The action of a recorded request.

        Args:
            request: the request.
            vocabulary: the names that are known now, where the action is yet to be done.

        Raises:
            Outdated: there is no such verb any more, or it does not take these parameters any more.
        """
        if request.action not in self.catalog:
            raise Outdated(f"This Shipmate does not know the verb {request.action} any more.")
        verb = self.catalog[request.action]
        try:
            return verb.parse(request.parameters, vocabulary)
        except ValidationError as error:
            raise Outdated(" ".join(faults_of(error, verb))) from None

    def context(self, request: Request) -> Context:
        """What a verb is handed for a request."""
        return Context(self.tools.organization, self.tools.ports, request, self.clock.now())

    def _advance(self, before: Request, after: Request, *, by: str = "shipmate", note: str = "") -> Request:
        now = self.clock.now()
        if after.state.is_final and after.finished_at is None:
            after = after.model_copy(update={"finished_at": now})
        advanced = self.ledger.advance(Move(before=before, after=after, by=by, note=note or after.outcome), now=now)
        self.announce(advanced)
        return advanced

    def announce(self, request: Request) -> None:
        """Tell who listens that a request has changed."""

        def tell() -> None:
            try:
                self.bus.changed(Change.of(request))
            except Unreachable:
                log.warning("the bus does not answer; the card of %s is drawn by the sweep", request.id)

        self.aside(tell)

    def _failed(self, request: Request, error: Exception) -> Request:
        """The request after an error: refused where nothing was changed, failed otherwise; never with a stack trace."""
        if isinstance(error, Refused):
            refused = _ended(request, State.REFUSED, outcome="refused")
            return refused.model_copy(update={"message": error.message, "remedy": error.remedy})
        if isinstance(error, ShipmateError):
            message, remedy = error.message, error.remedy or "Nothing more was done; try again, or look at the log."
            log.warning("%s failed: %s", request.id or request.cause, error, exc_info=error)
        else:
            message = "Something went wrong inside Shipmate."
            remedy = f"The log has the details under {request.id or request.cause}."
            log.error("%s failed", request.id or request.cause, exc_info=error)
        failed = _ended(request, State.FAILED, outcome="failed")
        return failed.model_copy(update={"message": message, "remedy": remedy})


def _ended(request: Request, state: State, *, outcome: str, result: Any = None) -> Request:
    cleared = {"lease_owner": None, "lease_until": None, "next_poll_at": None, "expires_at": None}
    return request.model_copy(update={"state": state, "outcome": outcome, "result": result, **cleared})


def _refused(request: Request, verdict: Verdict) -> Request:
    refused = _ended(request, State.REFUSED, outcome=verdict.guard)
    return refused.model_copy(update={"message": verdict.message, "remedy": verdict.remedy})


def _unknown(request: Request, error: OutcomeUnknown) -> Request:
    unknown = _ended(request, State.UNKNOWN, outcome="not known")
    message = (
        f"{error.message} It is not known whether it happened; Shipmate is looking it up and will not do it twice."
    )
    return unknown.model_copy(update={"message": message, "remedy": error.remedy})


def _is_another(request: Request, plan: Plan) -> bool:
    """Whether what would be done is no longer what was shown to be confirmed; what is sealed is void instead."""
    shown = request.plan
    return request.is_guess and not request.seal and shown is not None and shown.target_state != plan.target_state


def _void(request: Request, plan: Plan) -> Request:
    was = request.plan.target_state if request.plan else {}
    drifted = [
        f"{key} was {was.get(key)!s} and is {plan.target_state.get(key)!s}"
        for key in sorted({*was, *plan.target_state})
        if was.get(key) != plan.target_state.get(key)
    ]
    what = "; ".join(drifted) or "the rules in shipmate.yaml have changed"
    void = _ended(request, State.REFUSED, outcome="approval void")
    message = f"What was approved is no longer what would be done: {what}. The approval is void."
    return void.model_copy(
        update={"message": message, "remedy": "Ask again, so that the present plan can be approved."}
    )


def faults_of(error: ValidationError, verb: Verb) -> list[str]:
    """Each fault of a validation as a sentence for a person."""
    sentences = []
    for fault in error.errors(include_url=False):
        where = ".".join(str(part) for part in fault["loc"])
        cause = fault.get("ctx", {}).get("error")
        if cause is not None:
            sentences.append(str(cause))
        elif fault["type"] == "missing":
            sentences.append(f"The {where} is missing.")
        elif fault["type"] == "extra_forbidden":
            known = ", ".join(verb.model_fields) or "none"
            sentences.append(f"{verb.policy.name} has no parameter “{where}”; it has {known}.")
        else:
            allowed = verb.choices_of(where) if where in verb.model_fields else ()
            hint = f" Allowed are {', '.join(allowed)}." if allowed else ""
            sentences.append(f"“{str(fault['input'])[:80]}” is no {where}.{hint}")
    return sentences
