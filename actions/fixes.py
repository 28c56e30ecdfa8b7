"""The verbs about fixes of failed pipelines: try one on a branch, merge what is proven, drop it."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from actions import fixing, merging
from actions.analysis.categories import Category, FixRisk
from actions.analysis.diagnosis import Diagnosis, ProvingLine
from actions.analysis.remedies.remedy import FileChange
from actions.core.action import Action, Operation, Progress, Risk, Running, Sample
from actions.core.context import Context, Tools
from actions.core.errors import Refused
from actions.core.kinds import PipelineId, RequestId, ServiceName
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.autonomy import Autonomy, Stage
from actions.core.ports.delivery import Pipeline
from actions.core.ports.ledger import Ledger, RequestQuery
from actions.core.ports.repositories import MergeRequest, Repositories
from actions.core.reply import (
    Block,
    Button,
    ButtonStyle,
    Code,
    Note,
    Paragraph,
    Preformatted,
    Reply,
    Span,
    Tone,
    fields,
    link,
)
from actions.core.request import Request, State
from actions.failures import proof
from actions.fix import Fix, fix_of
from actions.investigation import failed_pipeline, investigate
from actions.merging import Settled
from actions.prescription import Prescription, prescribe

_OPENED = MergeRequest(
    id="7",
    project="shop/checkout",
    title="Add requests to requirements.txt",
    state="opened",
    source="shipmate/fix-812-r-12",
    target="main",
    sha="77aa01",
    url="https://gitlab.example/shop/checkout/-/merge_requests/7",
)

_SAMPLE = Fix(
    service="checkout",
    pipeline=Pipeline(id="812", project="shop/checkout", ref="main", sha="9f3c2ab1d0c4e5f6", status="failed"),
    jobs=("unit",),
    diagnosis=Diagnosis(
        category=Category.DEPENDENCY_MISSING_PYTHON,
        root_cause="The Python package “requests” is not installed.",
        lines=(ProvingLine(number=41, text="ModuleNotFoundError: No module named 'requests'"),),
        confidence=0.97,
        risk=FixRisk.LOW,
        fingerprint="0a1b2c3d4e5f6071",
        subject="requests",
        playbook="pb-dep-001",
    ),
    playbook="pb-dep-001",
    summary="Add requests to requirements.txt",
    outcome="proposed",
    changes=(FileChange(path="requirements.txt", diff="@@ -1 +1,2 @@\n flask==3.1.0\n+requests==2.32.3"),),
    branch="shipmate/fix-812-r-12",
    merge_request=_OPENED,
    proof=(Pipeline(id="813", project="shop/checkout", ref="shipmate/fix-812-r-12", sha="77aa01", status="success"),),
    culprit="sam",
    seconds=48,
)


class FixPipeline(
    Operation[Fix],
    name="fix_pipeline",
    risk=Risk.CHANGE,
    needs=Role.DEVELOPER,
    queue="remediate",
    poller="gitlab",
    for_playbooks=True,
    group="pipelines",
    phrases=(
        "fix pipeline {pipeline} of {service}",
        "fix [the] [failed] pipeline of {service}",
        "fix the build of {service}",
        "fix {service} pipeline [{pipeline}]",
        "repair [the] pipeline [{pipeline}] of {service}",
    ),
    examples=(
        "fix pipeline 812 of checkout",
        "fix the build of search",
        "repair the failed pipeline of checkout",
        "get checkout's pipeline green again",
    ),
    paraphrases=(
        "mend the build of {service}",
        "try to repair pipeline {pipeline} of {service}",
        "propose a fix for the failed build of {service}",
        "make {service} build again",
        "please do something about the red pipeline of {service}",
    ),
):
    """Try a fix of a failed pipeline on a branch of its own, and propose it once it is proven there."""

    service: ServiceName
    pipeline: PipelineId | None = None

    def _prescribed(self, context: Context) -> Prescription:
        found = failed_pipeline(context, self.service, self.pipeline)
        return prescribe(context, investigate(context, self.service, found))

    def plan(self, context: Context) -> Plan:
        """Diagnose, and work out what would be changed."""
        wanted = self._prescribed(context)
        pipeline, remedy = wanted.failure.pipeline, wanted.remedy
        where = f"pipeline #{pipeline.id} of {self.service}"
        changes = [] if remedy.kind == "advise" else [Change(what=where, after=remedy.summary)]
        changes += [
            Change(what=each.path, after=f"{each.diff.count(chr(10))} lines of difference") for each in wanted.changes
        ]
        return Plan(
            changes=tuple(changes),
            target_state={
                "project": pipeline.project,
                "pipeline": pipeline.id,
                "sha": pipeline.sha,
                "prescription": wanted.for_plan(),
            },
            warnings=(remedy.advice,) if remedy.advice else (),
            links={f"#{pipeline.id}": pipeline.url} if pipeline.url else {},
        )

    def start(self, context: Context, plan: Plan) -> Progress:
        """Make the branch, or run the failed jobs again."""
        known = Prescription.model_validate(plan.target_state["prescription"])
        if known.remedy.kind != "edit":
            return fixing.begin(context, known)  # all of it stands in the plan, which was made just before
        exactly = self.model_copy(update={"pipeline": str(plan.target_state["pipeline"])})
        return fixing.begin(context, exactly._prescribed(context))  # noqa: SLF001 - of the same class

    def find(self, context: Context) -> Progress | None:
        """Look for the branch, or for the pipeline that runs again."""
        return fixing.again(context, context.request.plan) if context.request.plan else None

    @classmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """Ask for all pipelines together."""
        return fixing.advance(batch, tools)

    def cancel(self, running: Running, tools: Tools) -> Progress:
        """Stop the proof and remove the branch."""
        return fixing.stop(running, tools)

    def reply(self, result: Fix, context: Context) -> Reply:
        """The cause, the proof, before and after; and Merge, Open, Discard."""
        buttons: tuple[Button, ...] = ()
        named: dict[str, JsonValue] = {"service": result.service, "pipeline": result.pipeline.id}
        if result.outcome == "proposed":
            request = context.request.id or "R-1"
            buttons = (
                Button.of("Merge", MergeFix(request=request), style=ButtonStyle.PRIMARY),
                Button.of("Discard", DiscardFix(request=request), style=ButtonStyle.DANGER),
            )
        elif result.outcome == "shadow":
            buttons = (Button(label="Fix it", action="fix_pipeline", parameters=named, style=ButtonStyle.PRIMARY),)
        elif result.variable:
            asked: dict[str, JsonValue] = {"service": result.service, "variable": result.variable}
            label = f"Set {result.variable}"[:60]
            buttons = (Button(label=label, action="set_variable", parameters=asked, style=ButtonStyle.PRIMARY),)
        elif result.pipeline.jobs:
            buttons = (Button(label="Retry", action="retry_pipeline", parameters=named),)
        # Of a stop people are told by name once; of the same one again, quietly.
        calls = result.stop not in {"", "open"} and not result.told and bool(result.culprit)
        return Reply(
            title=_title(result),
            tone=_TONES[result.outcome],
            blocks=tuple(presented(result)),
            buttons=buttons,
            mentions=(result.culprit,) if calls else (),
        )

    @classmethod
    def sample(cls) -> Sample:
        """A missing package, added and proven."""
        return Sample(action=cls(service="checkout", pipeline="812"), result=_SAMPLE)


_MEANING = {
    Stage.SHADOW: "(it only says what it would do)",
    Stage.PROPOSE: "(a person merges)",
    Stage.APPROVE: "(it merges once somebody approves)",
    Stage.AUTO: "(it merges by itself)",
}
_TONES = {
    "proposed": Tone.GOOD,
    "retried": Tone.GOOD,
    "not proven": Tone.BAD,
    "left alone": Tone.WARNING,
    "shadow": Tone.NEUTRAL,
}


def _title(fix: Fix) -> str:
    where = f"pipeline #{fix.pipeline.id} of {fix.service}"
    match fix.outcome:
        case "proposed":
            return f"A proven fix for {where}: {fix.summary[:120]}"
        case "retried":
            return f"{where[:1].upper()}{where[1:]} is green again at another try"
        case "not proven":
            return f"No fix for {where} proved itself"
        case "shadow":
            return f"What would be done about {where}: {fix.summary[:120]}"
        case "left alone" if fix.told:
            return f"{where[:1].upper()}{where[1:]} failed as well; people were told in {fix.told}"
        case "left alone":
            return f"{where[:1].upper()}{where[1:]} is left to people: {fix.summary[:150]}"


def presented(fix: Fix) -> list[Block]:
    """What is told of a fix."""
    diagnosis, opened = fix.diagnosis, fix.merge_request
    proven: list[Span] = []
    for run in fix.proof:
        proven += [link(f"#{run.id}", run.url), " "]
    rows: list[tuple[str, tuple[Span, ...] | Span]] = [
        ("Cause", diagnosis.root_cause),
        ("Playbook", Code(text=fix.playbook) if fix.playbook else ""),
        ("Confidence", f"{diagnosis.confidence:.0%}"),
        ("Autonomy", fix.autonomy and f"{fix.autonomy} {_MEANING[fix.stage or Stage.PROPOSE]}"),
        ("Tried in" if fix.outcome == "not proven" else "Proven by", tuple(proven[:-1])),
        ("Took", f"{fix.seconds:.0f} s" if fix.seconds else ""),
    ]
    if opened is not None:
        words = f"Open !{opened.id}" if opened.url else f"!{opened.id}"
        rows.insert(0, ("Merge request", link(words, opened.url)))
    blocks: list[Block] = [fields(*rows)]
    if diagnosis.lines:
        blocks.append(Preformatted(text=proof(diagnosis)))
    blocks += [Preformatted(text=f"{each.path}\n{each.diff}", language="diff") for each in fix.changes]
    if fix.note:
        blocks.append(Note(text=(fix.note,)))
    if fix.told:
        blocks.append(Paragraph(text=(fix.summary,)))
    if fix.advice:
        blocks.append(Paragraph(text=(fix.advice,) if fix.outcome == "left alone" else ("Mind: ", fix.advice)))
    if fix.still_failing:
        blocks.append(Note(text=(f"Still failing for other reasons: {', '.join(fix.still_failing)}.",)))
    return blocks


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
        merged = _OPENED.model_copy(update={"state": "merged", "merge_sha": "c0ffee01"})
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
        closed = _OPENED.model_copy(update={"state": "closed"})
        return Sample(
            action=cls(request="R-12"), result=Settled(request="R-12", service="checkout", merge_request=closed)
        )
