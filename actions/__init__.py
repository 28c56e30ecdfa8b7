"""What can be done, and the one gate to it.

`catalog()` is every verb on one page. To add one: write its class, name it here (or, in your own package, in an entry
point of the group "shipmate.actions"), and the tests over the catalogue say what else it owes.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points

from actions.answer import LookInto
from actions.automation import RunPlaybook, SetAutonomy, Tell
from actions.core.catalog import Catalog, Verb
from actions.decisions import Approve, Cancel, Confirm, Deny
from actions.deploy import Deploy, Promote, Restart, Rollback
from actions.failures import ExplainFailure
from actions.fixes import DiscardFix, FixPipeline, MergeFix
from actions.freezes import Freeze, Thaw
from actions.help import Help
from actions.job_log import ShowLog
from actions.outcomes import NoteOutcome
from actions.oversight import Approvals, Audit, WhoAmI, Why
from actions.pipelines import ListPipelines, RetryPipeline, RunPipeline
from actions.query import ListDeployments, Services, Status
from actions.report import WeeklySummary
from actions.roles import GrantRole, RevokeRole
from actions.variables import SetVariable, ValuePage

VERBS: tuple[Verb, ...] = (
    Deploy,
    Rollback,
    Promote,
    Restart,
    Status,
    ListDeployments,
    Services,
    ListPipelines,
    RunPipeline,
    RetryPipeline,
    ExplainFailure,
    ShowLog,
    FixPipeline,
    MergeFix,
    DiscardFix,
    NoteOutcome,
    RunPlaybook,
    SetAutonomy,
    Tell,
    SetVariable,
    ValuePage,
    Approvals,
    Approve,
    Deny,
    Confirm,
    Cancel,
    Why,
    Audit,
    WeeklySummary,
    Freeze,
    Thaw,
    GrantRole,
    RevokeRole,
    WhoAmI,
    Help,
    LookInto,
)


def catalog(plugins: Iterable[Verb] | None = None) -> Catalog:
    """Every verb: ours, and those of installed plug-ins.

    Args:
        plugins: the verbs beside ours; by default those of the entry points in "shipmate.actions", each a class
            or a function that returns several.

    Raises:
        ValueError: two verbs have one name, or a plug-in names something that is no verb.
    """
    return Catalog((*VERBS, *(installed() if plugins is None else plugins)))


def installed() -> Iterable[Verb]:
    """The verbs of installed plug-ins, in the order of their names."""
    for entry in sorted(entry_points(group="shipmate.actions"), key=lambda entry: entry.name):
        found = entry.load()
        yield from (found,) if isinstance(found, type) else found()
