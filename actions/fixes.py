"""The verb that tries a fix of a failed pipeline on a branch, and proposes what is proven there."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from actions import fixing
from actions.analysis.remedies.remedy import FileChange
from actions.core.action import Operation, Progress, Risk, Running, Sample
from actions.core.context import Context, Tools
from actions.core.kinds import PipelineId, ServiceName
from actions.core.people import Role
from actions.core.plan import Change, Plan
from actions.core.ports.autonomy import Stage
from actions.core.ports.delivery import Pipeline
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
from actions.failures import SAMPLE, proof
from actions.fix import Fix
from actions.investigation import failed_pipeline, investigate
from actions.prescription import Prescription, prescribe
from actions.settling import OPENED, DiscardFix, MergeFix

_SAMPLE = Fix(
    service="checkout",
    pipeline=SAMPLE.pipeline,
    jobs=("unit",),
    diagnosis=SAMPLE.jobs[0].diagnosis,
    playbook="pb-dep-001",
    summary="Add requests to requirements.txt",
    outcome="proposed",
    changes=(FileChange(path="requirements.txt", diff="@@ -1 +1,2 @@\n flask==3.1.0\n+requests==2.32.3"),),
    branch="shipmate/fix-812-r-12",
    merge_request=OPENED,
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
