"""The verbs about a proposed fix: merge what is proven, or discard it."""

from __future__ import annotations

from collections.abc import Sequence

from actions import merging
from actions.core.action import Action, Operation, Progress, Risk, Running, Sample
from actions.core.context import Context, Tools
from actions.core.errors import Refused
from actions.core.kinds import RequestId
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.autonomy import Autonomy, Stage
from actions.core.ports.ledger import Ledger, RequestQuery
from actions.core.ports.repositories import MergeRequest, Repositories
from actions.core.reply import (
    Button,
    Code,
    Reply,
    Tone,
    fields,
    link,
)
from actions.core.request import Request, State
from actions.fix import Fix, fix_of
from actions.merging import Settled

OPENED = MergeRequest(
    id="7",
    project="shop/checkout",
    title="Add requests to requirements.txt",
    state="opened",
    source="shipmate/fix-812-r-12",
    target="main",
    sha="77aa01",
    url="https://gitlab.example/shop/checkout/-/merge_requests/7",
)


class NoFix(Refused):
    """There is no open fix to decide about."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, remedy="Name the request that proposed it, such as R-12; “fix the pipeline of …” makes one."
        )


class SeveralFixes(Refused):
    """Several fixes are open, and nobody said which is meant.

    Args:
        fixes: for each, the request that proposed it and the service, newest first.
    """

    def __init__(self, fixes: Sequence[tuple[str, str]]) -> None:
        told = ", ".join(f"{request} ({service})" for request, service in fixes)
        super().__init__(
            f"Several fixes are open: {told}.",
            remedy=f"Name the one you mean, such as “the fix {fixes[0][0]}”, or press its card's button.",
        )


def _meant(context: Context, named_request: str | None) -> tuple[Request, Fix, MergeRequest]:
    """The fix that is decided about: the named request's, else the one that is open in the thread, else of all.

    Raises:
        NoFix: there is none, or it is settled already.
        SeveralFixes: more than one is open, and none was named.
    """
    ledger = context.use(Ledger)
    if named_request is not None:
        named = ledger.get(named_request)
        candidates = [named] if named else []
    else:
        query = RequestQuery(actions=("fix_pipeline",), states=(State.DONE,), limit=20)
        here = ledger.find(query.model_copy(update={"place_key": context.request.place.key}))
        candidates = list(here) or list(ledger.find(query))
    found: list[tuple[Request, Fix, MergeRequest]] = []
    for candidate in candidates:
        fix = fix_of(candidate)
        if fix is None or fix.merge_request is None:
            continue
        now = context.use(Repositories).merge_request(fix.pipeline.project, fix.merge_request.id)
        if now.state == "opened":
            found.append((candidate, fix, now))
        elif named_request is not None:
            raise NoFix(f"The merge request !{now.id} of {candidate.id} is {now.state} already.")
    if not found:
        raise NoFix(f"{named_request} has proposed no fix." if named_request else "No fix is open here.")
    if len(found) > 1:
        raise SeveralFixes([(candidate.id, fix.service) for candidate, fix, _ in found])
    return found[0]


def _asks(context: Context, fix: Fix, target: str) -> str:
    """Why somebody has to approve what a playbook would merge; empty where it has earned to, and where a person merges.

    Raises:
        Refused: it has not earned to ask for it.
    """
    if not context.requester.is_machine:
        return ""
    leave = context.use(Autonomy).stands(
        fix.playbook, category=fix.diagnosis.category.value, terrain=fix.terrain, now=context.now
    )
    if leave.stage is Stage.AUTO:
        if leave.may_protected or not context.use(Repositories).is_protected(fix.pipeline.project, target):
            return ""
        return f"{target} is protected, and {fix.playbook} may not merge into it by itself ({leave.why})"
    if leave.stage is Stage.APPROVE:
        return f"{fix.playbook} may merge what somebody approves ({leave.why})"
    raise Refused(
        f"{fix.playbook} has not earned to merge: it stands at {leave.stage.value} ({leave.why}).",
        remedy="A person can merge it by its card.",
    )


def _as_proven(fix: Fix, opened: MergeRequest) -> None:
    """See that a merge request is still what was proven, and for the same branch: neither says who changed it.

    Raises:
        Refused: it is not.
    """
    proven = fix.merge_request
    if proven is None:
        return
    if opened.target != proven.target:
        raise Refused(
            f"!{opened.id} was proven for {proven.target}, and now it would go into {opened.target}.",
            remedy=f"Set its target back to {proven.target} in GitLab, or merge it there.",
        )
    if proven.sha and opened.sha != proven.sha:
        raise Refused(
            f"!{opened.id} has changed since it was proven ({proven.sha[:8]} was, it is at {opened.sha[:8]}).",
            remedy="Look at it in GitLab, and merge it there.",
        )


def _settled(proposed: Request, fix: Fix, request: MergeRequest) -> Settled:
    return Settled(
        request=proposed.id,
        service=fix.service,
        merge_request=request,
        playbook=fix.playbook,
        category=fix.diagnosis.category.value,
    )


class MergeFix(
    Operation[Settled],
    name="merge_fix",
    risk=Risk.CHANGE,
    needs=Role.DEVELOPER,
    queue="remediate",
    poller="gitlab",
    playbooks_ask=True,
    group="pipelines",
    phrases=(
        "merge [the] fix [{request}]",
        "merge fix of {request}",
        "merge [the] proposed fix",
        "accept [the] fix {request}",
    ),
    examples=("merge the fix", "merge the fix R-12", "the fix looks good, merge it"),
    paraphrases=(
        "take the fix {request}",
        "merge what you proposed",
        "accept the proposed fix",
        "the fix of {request} may be merged",
        "get the fix into main",
        "merge your merge request",
        "bring the fix in",
        "apply the fix of {request}",
    ),
):
    """Merge a proven fix: the named request's, else the one that is open here."""

    request: RequestId | None = None

    def plan(self, context: Context) -> Plan:
        """See whether it can still be merged, and by this person."""
        proposed, fix, opened = _meant(context, self.request)
        # The author stands in the commit, where anybody can write any name; who pushed it is GitLab's word.
        broke = sorted({fix.culprit, proposed.requester.on_behalf_of or ""} - {""})
        if context.requester.name in broke:
            raise Refused(
                f"You brought in the commit that broke pipeline #{fix.pipeline.id}, so somebody else has to look at its fix.",
                remedy="Ask a colleague to merge it.",
            )
        # Before anybody is asked: what an approval or the trust of one branch is for must not go into another.
        _as_proven(fix, opened)
        return Plan(
            second_person=_asks(context, fix, opened.target),
            barred=tuple(broke),
            changes=(Change(what=f"{opened.target} of {fix.service}", after=f"{fix.summary} (!{opened.id})"),),
            target_state={
                "project": opened.project,
                "merge_request": opened.id,
                "sha": opened.sha,
                "request": proposed.id,
            },
            links={f"!{opened.id}": opened.url} if opened.url else {},
        )

    def start(self, context: Context, plan: Plan) -> Progress:
        """Merge it, if it is still what was proven; the polls that follow watch the branch's pipeline."""
        proposed, fix, opened = _meant(context, str(plan.target_state["request"]))
        _as_proven(fix, opened)
        merged = context.use(Repositories).merge(opened.project, opened.id, sha=opened.sha)
        return merging.begun(_settled(proposed, fix, merged), context.now)

    def find(self, context: Context) -> Progress | None:
        """See whether it is merged."""
        if context.request.plan is None:
            return None
        known = context.request.plan.target_state
        proposed = context.use(Ledger).get(str(known["request"]))
        fix = fix_of(proposed) if proposed else None
        found = context.use(Repositories).merge_request(str(known["project"]), str(known["merge_request"]))
        if proposed is None or fix is None or found.state != "merged":
            return None
        return merging.begun(_settled(proposed, fix, found), context.now)

    @classmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """Watch the pipelines of the branches."""
        return [merging.watched(running, tools) for running in batch]

    def cancel(self, running: Running, tools: Tools) -> Progress:
        """What is merged stays merged."""
        return merging.left(running)

    def reply(self, result: Settled, context: Context) -> Reply:
        """That it is merged, and the way to it."""
        merged = result.merge_request
        after = result.pipeline
        green = f", and {merged.target} is green" if after and after.status == "success" else ""
        red = f", but {merged.target} is {after.status}" if after and after.status != "success" else ""
        run = link(f"#{after.id} {after.status}", after.url) if after else ""
        return Reply(
            title=f"Merged the fix of {result.service} into {merged.target}{green}{red}",
            tone=Tone.BAD if red else Tone.GOOD,
            blocks=(
                fields(
                    ("Merge request", link(f"!{merged.id}", merged.url)),
                    ("What", merged.title),
                    ("Commit", Code(text=merged.merge_sha[:8])),
                    ("Pipeline", run),
                ),
            ),
            buttons=(Button(label="Pipelines", action="pipelines", parameters={"service": result.service}),),
        )

    @classmethod
    def sample(cls) -> Sample:
        """A fix of checkout is merged."""
        merged = OPENED.model_copy(update={"state": "merged", "merge_sha": "c0ffee01"})
        return Sample(
            action=cls(request="R-12"), result=Settled(request="R-12", service="checkout", merge_request=merged)
        )


class DiscardFix(
    Action[Settled],
    name="discard_fix",
    risk=Risk.CHANGE,
    needs=Role.DEVELOPER,
    queue="remediate",
    group="pipelines",
    phrases=(
        "discard [the] fix [{request}]",
        "drop [the] fix [{request}]",
        "close [the] fix {request}",
        "throw [the] fix away",
    ),
    examples=("discard the fix", "discard the fix R-12", "drop the proposed fix"),
    paraphrases=(
        "we do not want the fix {request}",
        "throw away what you proposed",
        "close your merge request",
        "the fix of {request} is wrong, drop it",
        "forget the fix",
        "do not merge the fix, discard it",
        "get rid of the fix of {request}",
        "reject the proposed fix",
    ),
):
    """Discard a proven fix: close its merge request and remove its branch."""

    request: RequestId | None = None

    def plan(self, context: Context) -> Plan:
        """See whether it is still open."""
        proposed, fix, opened = _meant(context, self.request)
        return Plan(
            changes=(Change(what=f"!{opened.id} of {fix.service}", before="opened", after="closed"),),
            target_state={"project": opened.project, "merge_request": opened.id, "request": proposed.id},
        )

    def run(self, context: Context) -> Settled:
        """Close it and remove its branch."""
        proposed, fix, opened = _meant(context, self.request)
        source = context.use(Repositories)
        closed = source.close(opened.project, opened.id)
        source.delete_branch(opened.project, opened.source)
        return _settled(proposed, fix, closed)

    def reply(self, result: Settled, context: Context) -> Reply:
        """That it is gone."""
        opened = result.merge_request
        return Reply(
            title=f"Discarded the fix of {result.service}",
            tone=Tone.NEUTRAL,
            blocks=(fields(("Merge request", link(f"!{opened.id}", opened.url)), ("What", opened.title)),),
        )

    @classmethod
    def sample(cls) -> Sample:
        """A fix of checkout is dropped."""
        closed = OPENED.model_copy(update={"state": "closed"})
        return Sample(
            action=cls(request="R-12"), result=Settled(request="R-12", service="checkout", merge_request=closed)
        )
