"""The verb that restarts what runs, without changing its version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict, JsonValue

from actions.core.action import Ended, Need, Ongoing, Operation, Progress, Risk, Running, Sample
from actions.core.context import Context, Tools
from actions.core.errors import OutcomeUnknown
from actions.core.kinds import EnvironmentName, ServiceName
from actions.core.plan import Change, Plan
from actions.core.ports.delivery import Deployer, Health
from actions.core.reply import (
    Code,
    Moment,
    Reply,
    Step,
    StepState,
    Tone,
    fields,
)
from actions.release import application_of

_SAMPLE_TIME = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
_STIRS_WITHIN = timedelta(seconds=5)
"""Within which a workload that is restarted shows that it is."""


class Restarted(BaseModel):
    """A workload that was restarted."""

    model_config = ConfigDict(frozen=True)

    service: str
    environment: str
    finished_at: datetime
    version: str = ""
    url: str = ""


class Restart(
    Operation[Restarted],
    name="restart",
    risk=Risk.CHANGE,
    needs=Need.BY_ENVIRONMENT,
    queue="deploy",
    lock=True,
    poller="argocd",
    group="deploy",
    phrases=(
        "restart {service} in {environment}",
        "restart {environment} {service}",
        "bounce {service} in {environment}",
        "restart {service}",
        "reboot {service} in {environment}",
    ),
    examples=(
        "restart checkout in staging",
        "bounce checkout on production please",
        "checkout hangs in staging, can you restart it?",
    ),
    paraphrases=(
        "{service} in {environment} needs a fresh start",
        "kick the pods of {service} in {environment}",
        "cycle the {service} pods in {environment}",
        "start {service} in {environment} anew",
        "turn {service} in {environment} off and on again",
    ),
):
    """Restart what runs of a service in an environment, without changing its version."""

    service: ServiceName
    environment: EnvironmentName

    def plan(self, context: Context) -> Plan:
        """Read what runs."""
        application = application_of(context, self.service, self.environment)
        running = ", ".join(application.versions)
        return Plan(
            changes=(Change(what=f"{self.service} in {self.environment}", before=running, after="restarted"),),
            target_state={"application": application.name, "versions": list(application.versions)},
            links={"Argo CD": application.url} if application.url else {},
        )

    def start(self, context: Context, plan: Plan) -> Progress:
        """Ask Argo CD to restart the workload."""
        name = str(plan.target_state["application"])
        context.use(Deployer).restart(name)
        argocd = context.organization.service(self.service).argocd
        limit = argocd.healthy_within if argocd else timedelta(minutes=10)
        handle: dict[str, JsonValue] = {"application": name, "deadline": (context.now + limit).isoformat()}
        steps = (
            Step(name="Ask for a restart", state=StepState.DONE, started_at=context.now, ended_at=context.now),
            Step(name="Become healthy", state=StepState.RUNNING, started_at=context.now),
        )
        return Ongoing(handle=handle, steps=steps)

    def find(self, context: Context) -> Progress | None:
        """Argo CD keeps no record of who asked for a restart, so after a crash the outcome is not known."""
        raise OutcomeUnknown(
            "Argo CD",
            f"Shipmate stopped while it asked for the restart of {self.service} in {self.environment}; "
            "it is not known whether the request arrived.",
            remedy=f"Look at “status {self.service} in {self.environment}”, then restart again if it is needed.",
        )

    def cancel(self, running: Running, tools: Tools) -> Progress:
        """A restart cannot be undone; Shipmate stops watching it."""
        return Ended(
            state="cancelled",
            outcome="no longer watched",
            message="A restart that was asked for cannot be taken back; it goes on by itself.",
            steps=running.request.steps,
        )

    @classmethod
    def poll(cls, batch: Sequence[Running], tools: Tools) -> Sequence[Progress]:
        """Ask for all applications at once."""
        applications = tools.use(Deployer).applications({str(running.handle["application"]) for running in batch})
        progress: list[Progress] = []
        for running in batch:
            application = applications.get(str(running.handle["application"]))
            health = application.health if application else Health.MISSING
            done, last = running.request.steps[:-1], running.request.steps[-1]
            # Right after it was asked for, Argo CD may still tell of the health from before.
            stirred = running.handle.get("stirred") is True or health is not Health.HEALTHY
            over = running.now >= datetime.fromisoformat(str(running.handle["deadline"]))
            late = over or last.started_at is None or running.now - last.started_at >= _STIRS_WITHIN
            if application is not None and health is Health.HEALTHY and (stirred or late):
                ended = last.model_copy(update={"state": StepState.DONE, "ended_at": running.now})
                result = Restarted(
                    service=str(running.request.service),
                    environment=str(running.request.environment),
                    finished_at=running.now,
                    version=", ".join(application.versions),
                    url=application.url,
                )
                progress.append(Ended(state="done", outcome="restarted", result=result, steps=(*done, ended)))
            elif over:
                failed = last.model_copy(update={"state": StepState.FAILED, "ended_at": running.now})
                progress.append(
                    Ended(
                        state="failed",
                        outcome="not healthy",
                        message=f"It was restarted, but is {health.value}.",
                        remedy="Look at the application in Argo CD.",
                        steps=(*done, failed),
                    )
                )
            else:
                going = last.model_copy(update={"detail": health.value})
                progress.append(Ongoing(handle={**running.handle, "stirred": stirred}, steps=(*done, going)))
        return progress

    def reply(self, result: Restarted, context: Context) -> Reply:
        """That it runs again."""
        return Reply(
            title=f"{result.service} in {result.environment} was restarted and is healthy",
            tone=Tone.GOOD,
            blocks=(fields(("Version", Code(text=result.version)), ("At", Moment(at=result.finished_at))),),
        )

    @classmethod
    def sample(cls) -> Sample:
        """Checkout, in staging."""
        result = Restarted(service="checkout", environment="staging", finished_at=_SAMPLE_TIME, version="v1.4.2")
        return Sample(action=cls(service="checkout", environment="staging"), result=result)
