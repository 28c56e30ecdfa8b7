"""The verb by which what became of a fix later is noted: merged or closed by hand, reverted, or green again by people."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import RequestId
from actions.core.ports.ledger import Ledger
from actions.core.reply import Code, Reply, Tone, fields
from actions.fix import fix_of


class Fate(StrEnum):
    """What can become of a fix, or of a failure that was left to people."""

    MERGED = "merged"
    """A person merged it in GitLab."""
    CLOSED = "closed"
    """A person closed its merge request in GitLab."""
    REVERTED = "reverted"
    """A commit on its branch takes it back."""
    GREEN = "green"
    """The branch that had failed is green again."""


class Noted(BaseModel):
    """What was noted of an attempt.

    Attributes:
        request: the attempt.
        commit: the commit by which it happened; empty where there is none.
        seconds: from the failure to now.
    """

    model_config = ConfigDict(frozen=True)

    request: str
    kind: Fate
    service: str
    playbook: str
    summary: str
    commit: str = ""
    seconds: float = 0.0


class NoteOutcome(
    Action[Noted], name="note_outcome", queue="inline", group="pipelines", public=False, for_playbooks=True
):
    """Note in the ledger what became of a fix after it was proposed or merged."""

    request: RequestId
    kind: Fate
    commit: str = ""

    def run(self, context: Context) -> Noted:
        """Look the attempt up; the record of this request is the note."""
        attempt = context.use(Ledger).get(self.request)
        fix = fix_of(attempt) if attempt else None
        if attempt is None or fix is None:
            raise Refused(f"{self.request} is no attempt at a fix.")
        return Noted(
            request=attempt.id,
            kind=self.kind,
            service=fix.service,
            playbook=fix.playbook,
            summary=fix.summary,
            commit=self.commit,
            seconds=(context.now - attempt.created_at).total_seconds(),
        )

    def reply(self, result: Noted, context: Context) -> Reply:
        """What happened, and what follows from it."""
        about = fields(
            ("Fix", f"{result.request}: {result.summary}"),
            ("Playbook", Code(text=result.playbook)),
            ("Commit", Code(text=result.commit[:8]) if result.commit else ""),
        )
        match result.kind:
            case Fate.REVERTED:
                title = f"A fix of {result.service} was reverted; {result.playbook} has to earn its trust anew"
                return Reply(title=title, tone=Tone.WARNING, blocks=(about,))
            case Fate.GREEN:
                return Reply(title=f"{result.service} is green again", tone=Tone.GOOD, blocks=(about,))
            case Fate.MERGED | Fate.CLOSED:
                title = f"The fix of {result.request} was {result.kind.value} in GitLab"
                return Reply(title=title, tone=Tone.NEUTRAL, blocks=(about,))

    @classmethod
    def sample(cls) -> Sample:
        """A fix of checkout was taken back."""
        result = Noted(
            request="R-12",
            kind=Fate.REVERTED,
            service="checkout",
            playbook="pb-dep-001",
            summary="Add requests to requirements.txt",
            commit="c0ffee0112",
        )
        return Sample(action=cls(request="R-12", kind=Fate.REVERTED, commit="c0ffee0112"), result=result)
