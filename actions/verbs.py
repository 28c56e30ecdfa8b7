"""Every verb on one page: what can be done."""

from __future__ import annotations

from actions.answer import LookInto
from actions.automation import RunPlaybook, SetAutonomy, Tell
from actions.core.catalog import Verb
from actions.decisions import Approve, Cancel, Confirm, Deny
from actions.deploy import Deploy, Promote, Rollback
from actions.failures import ExplainFailure
from actions.fixes import FixPipeline
from actions.freezes import Freeze, Thaw
from actions.help import Help
from actions.job_log import ShowLog
from actions.outcomes import NoteOutcome
from actions.oversight import Approvals, Audit, WhoAmI, Why
from actions.pipelines import ListPipelines, RetryPipeline, RunPipeline
from actions.query import ListDeployments, Services, Status
from actions.report import WeeklySummary
from actions.restart import Restart
from actions.roles import GrantRole, RevokeRole
from actions.settling import DiscardFix, MergeFix
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
