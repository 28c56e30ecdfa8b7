"""The verb that tells what there is and how to say it."""

from __future__ import annotations

from difflib import get_close_matches

from pydantic import BaseModel, ConfigDict

from actions.core.action import Action, Sample
from actions.core.catalog import Catalog, Verb
from actions.core.context import Context
from actions.core.kinds import Topic
from actions.core.people import Role
from actions.core.reply import Code, Note, Paragraph, Reply, Span, Strong, Table, Weight

_HEADINGS = {
    "deploy": "Bring versions out",
    "query": "See what runs",
    "oversight": "See who did what",
    "decisions": "Decide",
    "report": "Sum up",
}
"""What the verbs of a group are for; a group that is not here goes by its own name."""


class HelpLine(BaseModel):
    """A verb, what it does and how to say it."""

    model_config = ConfigDict(frozen=True)

    verb: str
    says: str
    example: str
    group: str = ""


class HelpPage(BaseModel):
    """Either every verb, or all about one.

    Attributes:
        topic: the verb that is explained; empty for the list.
        lines: the verbs.
        ways: for one verb, the ways to say it.
        needs: for one verb, who may.
    """

    model_config = ConfigDict(frozen=True)

    topic: str = ""
    lines: tuple[HelpLine, ...]
    ways: tuple[str, ...] = ()
    needs: str = ""


class Help(
    Action[HelpPage],
    name="help",
    queue="inline",
    phrases=("help [{topic}]", "help [me] [with {topic}]", "how do i {topic}", "what can you do"),
    examples=("help", "help deploy", "how do I roll back something?", "what can you do?"),
    paraphrases=("what do you understand", "which commands are there", "show me what you can do", "how does this work"),
):
    """Say what can be done and how to say it; with a topic, all about that verb."""

    topic: Topic | None = None

    def run(self, context: Context) -> HelpPage:
        """Read the catalogue."""
        catalog = [verb for verb in context.use(Catalog) if verb.policy.public]
        chosen = self._chosen(catalog)
        if chosen is None:
            return HelpPage(lines=tuple(_line(verb) for verb in catalog))
        needs = chosen.policy.needs
        says = f"{needs.value} and up" if isinstance(needs, Role) else str(needs.value)
        ways = tuple(p.replace("{", "<").replace("}", ">") for p in chosen.policy.phrases)
        return HelpPage(topic=chosen.policy.name, lines=(_line(chosen),), ways=ways, needs=says)

    def _chosen(self, catalog: list[Verb]) -> Verb | None:
        if self.topic is None:
            return None
        verbs = {verb.policy.name: verb for verb in catalog}
        words = self.topic.casefold().split()
        for word in ("_".join(words), "".join(words), *words):
            if word in verbs:
                return verbs[word]
        near = [name for word in words for name in get_close_matches(word, verbs, 1, cutoff=0.75)]
        return verbs[near[0]] if near else None

    def reply(self, result: HelpPage, context: Context) -> Reply:
        """What to say, by what it is for; or a page on one verb."""
        if not result.topic:
            groups = dict.fromkeys(line.group for line in result.lines if line.verb != "help")
            blocks = [_group(name, [line for line in result.lines if line.group == name]) for name in groups]
            hint = Note(text=("Say it in your own words; ", Code(text="help deploy"), " tells more about one."))
            return Reply(title="What I can do", blocks=(*blocks, hint))
        line = result.lines[0]
        ways = Table(columns=("Ways to say it",), rows=tuple(((Code(text=way),),) for way in result.ways))
        example = Paragraph(text=("For example: ", Code(text=line.example)))
        return Reply(
            title=f"{line.verb}: {line.says}",
            blocks=(example, ways, Note(text=(f"Who may: {result.needs}.",))),
        )

    @classmethod
    def sample(cls) -> Sample:
        """The list, of one."""
        deploy = HelpLine(
            verb="deploy", says="Deploy a version.", example="deploy checkout v1.4.2 to staging", group="deploy"
        )
        status = HelpLine(verb="status", says="Say how a service is.", example="status of checkout", group="query")
        return Sample(action=cls(), result=HelpPage(lines=(deploy, status)))


def _line(verb: Verb) -> HelpLine:
    policy = verb.policy
    example = policy.examples[0] if policy.examples else policy.name
    return HelpLine(verb=policy.name.replace("_", " "), says=verb.description(), example=example, group=policy.group)


def _group(name: str, lines: list[HelpLine]) -> Paragraph:
    spans: list[Span] = [Strong(text=_HEADINGS.get(name, name.replace("_", " ").capitalize())), "\n"]
    for line in lines:
        spans += [Code(text=line.example), "  "]
    return Paragraph(text=tuple(spans[:-1]), weight=Weight.ESSENTIAL)
