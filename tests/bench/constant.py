"""A plug-in's verb for the benchmarks: a read that goes through a worker, and whose own work is nothing."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from actions.core.action import Action, Sample
from actions.core.context import Context
from actions.core.kinds import ServiceName
from actions.core.reply import Reply


class Greeting(BaseModel):
    """The answer."""

    says: str = "Hello."


class Constant(
    Action[Greeting], name="constant", queue="query", phrases=("constant of {service}",), examples=("constant of shop",)
):
    """Say the same thing each time."""

    service: ServiceName

    def run(self, context: Context) -> Greeting:
        """Do nothing."""
        del context
        return Greeting()

    def reply(self, result: Greeting, context: Context) -> Reply:
        """One line."""
        del context
        return Reply(title=result.says)

    @classmethod
    def sample(cls) -> Sample:
        """A greeting."""
        return Sample(action=cls(service="shop"), result=Greeting())


def installed(folder: Path) -> str:
    """Install it into a folder, as pip would; what PYTHONPATH has to be for others to find it."""
    info = folder / "bench_verb-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-verb\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[shipmate.actions]\nconstant = tests.bench.constant:Constant\n")
    return f"{folder}:{Path.cwd()}"
