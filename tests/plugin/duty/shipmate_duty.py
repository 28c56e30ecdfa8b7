"""A verb of a plug-in: who is on duty this week."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Sample
from actions.core.context import Context
from actions.core.errors import Refused
from actions.core.kinds import RoleName
from actions.core.reply import FieldRow, Fields, Mention, Reply


class Duty(BaseModel):
    """Who is on duty.

    Attributes:
        person: their name.
        week: the week of the year, 1 to 53.
    """

    model_config = ConfigDict(frozen=True)

    person: str
    week: int


class Nobody(Refused):
    """Nobody holds the role."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"Nobody is {role} in shipmate.yaml.", remedy="Ask for another role: who is on duty among devops."
        )


class OnDuty(
    Action[Duty],
    name="on_duty",
    queue="inline",
    phrases=("who is on duty [among {role}]", "on duty [among {role}]"),
    examples=("who is on duty", "who is on duty among developer"),
    paraphrases=("whose turn is it this week", "who takes calls this week"),
):
    """Say who is on duty this week: those who hold a role take turns."""

    role: RoleName = "devops"

    def run(self, context: Context) -> Duty:
        """Count weeks over the people in the configuration."""
        people = [person.name for person in context.organization.people if self.role in person.roles]
        if not people:
            raise Nobody(self.role)
        week = context.now.isocalendar().week
        return Duty(person=people[week % len(people)], week=week)

    def reply(self, result: Duty, context: Context) -> Reply:
        """One line."""
        rows = (
            FieldRow(label="Who", value=(Mention(person=result.person),)),
            FieldRow(label="Role", value=(self.role,)),
        )
        return Reply(title=f"{result.person} is on duty in week {result.week}", blocks=(Fields(rows=rows),))

    @classmethod
    def sample(cls) -> Sample:
        """A week of dana's."""
        return Sample(action=cls(), result=Duty(person="dana", week=47))
