"""The verb that sums a week up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from actions.analysis.dora import Delivery, delivery
from actions.core.action import Action, Sample
from actions.core.context import Context
from actions.core.deployment import Deployment
from actions.core.kinds import Duration, format_duration, parse_duration, spoken_duration
from actions.core.ports.autonomy import Autonomy, PlaybookRecord
from actions.core.ports.ledger import Deployments, Ledger, RequestQuery
from actions.core.reply import Code, Moment, Paragraph, Reply, Table, Text, Tone, fields
from actions.core.request import State
from actions.query import ListDeployments

_MOST = 1000


class Summary(BaseModel):
    """What happened in a time.

    Attributes:
        over: how long, as one would type it.
        delivery: DORA's measures.
        failures: the deployments that did not prove healthy, newest first.
        refused: how many requests were refused.
        waiting: how many requests wait for approval now.
        playbooks: what each playbook did about failed pipelines.
    """

    model_config = ConfigDict(frozen=True)

    over: str
    delivery: Delivery
    failures: tuple[Deployment, ...] = ()
    refused: int = 0
    waiting: int = 0
    playbooks: tuple[PlaybookRecord, ...] = ()


class WeeklySummary(
    Action[Summary],
    name="weekly_summary",
    queue="inline",
    phrases=(
        "weekly summary [since {since}]",
        "[give me] [the] weekly summary",
        "summary of the [last] week",
        "summary [since {since}]",
        "weekly report",
    ),
    examples=("weekly summary", "how was our week?", "summary of the last 2 weeks"),
    paraphrases=(
        "sum up the past {since}",
        "what happened over the last {since} overall",
        "how did we do this week",
        "give us the numbers for the past {since}",
        "the report for the week please",
        "what are our dora metrics",
    ),
):
    """Sum up the last week: deployments, failures, time to restore."""

    since: Duration | None = None

    def run(self, context: Context) -> Summary:
        """Read the ledger."""
        over = self.since or timedelta(days=7)
        begun = context.now - over
        found = context.use(Deployments).find(since=begun, limit=_MOST)
        ledger = context.use(Ledger)
        refused = ledger.find(RequestQuery(states=(State.REFUSED,), since=begun, limit=_MOST))
        waiting = ledger.find(RequestQuery(states=(State.AWAITING_APPROVAL,), limit=_MOST))
        return Summary(
            over=format_duration(over),
            delivery=delivery(found, since=begun, until=context.now),
            failures=tuple(d for d in found if not d.healthy)[:10],
            refused=len(refused),
            waiting=len(waiting),
            playbooks=tuple(context.use(Autonomy).records(since=begun, now=context.now)),
        )

    def reply(self, result: Summary, context: Context) -> Reply:
        """The measures, then what failed."""
        measured = result.delivery
        if not measured.deployments:
            return Reply(
                title=f"Nothing was deployed in the last {_read(result.over)}", blocks=_repairs(result.playbooks)
            )
        restore = spoken_duration(timedelta(seconds=measured.restore_seconds)) if measured.restore_seconds else ""
        rate = f"{measured.failure_rate:.0%}" if measured.failure_rate is not None else ""
        facts = fields(
            ("Deployments", str(measured.deployments)),
            ("Succeeded a day", f"{measured.per_day:.1f}"),
            ("Change failure rate", rate),
            ("Median time to restore", restore),
            ("Rollbacks asked for", str(measured.rollbacks or "")),
            ("Busiest", ", ".join(f"{service} ({count})" for service, count in measured.busiest)),
            ("Requests refused", str(result.refused or "")),
            ("Waiting for approval", str(result.waiting or "")),
        )
        blocks: list[Paragraph | Table] = []
        if result.failures:
            rows: tuple[tuple[Text, ...], ...] = tuple(
                (
                    (Moment(at=d.finished_at),),
                    (f"{d.service} in {d.environment}",),
                    (Code(text=d.version),),
                    (d.outcome,),
                    (d.request,),
                )
                for d in result.failures
            )
            blocks = [
                Paragraph(text=("What did not prove healthy:",)),
                Table(columns=("When", "Where", "Version", "Outcome", "Request"), rows=rows),
            ]
        tone = Tone.WARNING if result.failures else Tone.GOOD
        title = f"{measured.deployments} deployments in the last {_read(result.over)}, {measured.failed} failed"
        return Reply(title=title, tone=tone, blocks=(facts, *blocks, *_repairs(result.playbooks)))

    @classmethod
    def sample(cls) -> Sample:
        """A week with one failure."""
        listed = ListDeployments.sample().result.deployments
        failure = listed[0].model_copy(update={"healthy": False, "outcome": "rolled back"})
        measured = delivery(
            (*listed, failure),
            since=failure.finished_at - timedelta(days=7),
            until=failure.finished_at,
        )
        repaired = PlaybookRecord(
            playbook="pb-dep-001",
            attempts=5,
            verified=4,
            failed=1,
            seconds_to_green=252,
            seconds_saved=5400,
            compared=3,
        )
        result = Summary(over="7d", delivery=measured, failures=(failure,), playbooks=(repaired,))
        return Sample(action=cls(), result=result)


def _repairs(records: Sequence[PlaybookRecord]) -> tuple[Paragraph | Table, ...]:
    """What playbooks did about failed pipelines, in a table; nothing where they did nothing."""
    if not records:
        return ()
    rows: tuple[tuple[Text, ...], ...] = tuple(
        (
            (Code(text=record.playbook),),
            (str(record.attempts),),
            (f"{record.verified} ({record.rate:.0%})" if record.rate is not None else str(record.verified),),
            (str(record.failed),),
            (_minutes(record.seconds_to_green),),
            (_minutes(record.seconds_saved) if record.compared else "not known",),
        )
        for record in records
    )
    return (
        Paragraph(text=("What playbooks did about failed pipelines:",)),
        Table(columns=("Playbook", "Attempts", "Verified", "Went wrong", "To green", "Saved"), rows=rows),
    )


def _minutes(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 60:.0f} min"


def _read(typed: str) -> str:
    return spoken_duration(parse_duration(typed))
