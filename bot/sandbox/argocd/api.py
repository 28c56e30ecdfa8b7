"""The way in to the Argo CD stand-in: its REST paths behind a token, and the watch stream."""

import json
import re
from collections.abc import Iterator

from bot.sandbox import pages
from bot.sandbox.argocd.instance import INVALID_ARGUMENT, NOT_FOUND, UNAUTHENTICATED, ArgoCD, refusal
from bot.sandbox.argocd.shapes import application_json, managed_json, manifest, tree_json, workload_name
from bot.sandbox.documents import Json
from bot.sandbox.web import Answer, Call, Problem, Routes

routes: Routes[ArgoCD] = Routes()

_SELECTOR = re.compile(
    r"^(?P<key>[\w./-]+)\s*(?:(?P<op>==?|!=)\s*(?P<value>[\w.-]*)|(?P<set>in|notin)\s*\((?P<values>[^)]*)\))?$"
)
_VERSION = "v3.6.0+sandbox"


def answer(argocd: ArgoCD, call: Call) -> Answer:
    """Answer one request; `call.path` is undecoded and without the place this Argo CD is mounted at."""
    if not call.path.startswith("/api/"):
        return pages.argocd(argocd, call.path) or Answer.text("There is no such page in the sandbox.\n", 404)
    try:
        if call.path != "/api/version":
            call.user = _account(argocd, call)
        found = routes.find(call.method, call.path)
        if found is None:
            return Answer.json({"code": NOT_FOUND, "message": "Not Found", "details": []}, 404)
        handler, call.parameters = found
        return handler(argocd, call)
    except Problem as problem:
        return problem.answer


def _account(argocd: ArgoCD, call: Call) -> Json:
    token = call.headers.get("authorization", "").removeprefix("Bearer ")
    if not token:
        raise refusal(UNAUTHENTICATED, "no session information")
    account = argocd.documents.get("argocd_token", token)
    if account is None or account["revoked"]:
        raise refusal(
            UNAUTHENTICATED,
            "invalid session: account token has been revoked" if account else "invalid session: signature is invalid",
        )
    return account


def _selected(argocd: ArgoCD, call: Call) -> list[Json]:
    found = argocd.applications()
    if name := call.one("name"):
        found = [application for application in found if application["name"] == name]
    projects = {*call.query.get("projects", []), *call.query.get("project", [])}
    if projects and "default" not in projects:
        return []
    if (repo := call.one("repo")) and repo != argocd.repo_url():
        return []
    for part in re.split(r",(?![^(]*\))", call.one("selector")):
        if part.strip():
            found = [application for application in found if _matches(part.strip(), application["labels"])]
    return found


def _matches(part: str, labels: dict[str, str]) -> bool:
    match = _SELECTOR.match(part)
    if match is None:
        raise refusal(INVALID_ARGUMENT, f"unable to parse requirement: {part}")
    value = labels.get(match["key"])
    if match["set"]:
        return (value in {entry.strip() for entry in match["values"].split(",")}) == (match["set"] == "in")
    if match["op"]:
        return (value == match["value"]) == (match["op"] != "!=")
    return value is not None


def _application(argocd: ArgoCD, call: Call) -> Json:
    project = call.one("project") or str(call.data.get("project") or "")
    return argocd.application(call.parameters["name"], project)


@routes.on("GET", "/api/version")
def version(_argocd: ArgoCD, _call: Call) -> Answer:
    """Return the version this stands in for; no token is needed."""
    return Answer.json({"Version": _VERSION})


@routes.on("GET", "/api/v1/session/userinfo")
def userinfo(_argocd: ArgoCD, call: Call) -> Answer:
    """Return the account behind the token."""
    return Answer.json({"loggedIn": True, "username": call.user["username"], "iss": "argocd", "groups": []})


@routes.on("GET", "/api/v1/applications")
def list_applications(argocd: ArgoCD, call: Call) -> Answer:
    """List applications by name, project, repository and label selector."""
    with argocd.documents.lock:
        items = [application_json(argocd, application) for application in _selected(argocd, call)]
    return Answer.json({"metadata": {"resourceVersion": ""}, "items": items})


@routes.on("GET", "/api/v1/applications/:name")
def get_application(argocd: ArgoCD, call: Call) -> Answer:
    """Return one application."""
    with argocd.documents.lock:
        return Answer.json(application_json(argocd, _application(argocd, call)))


@routes.on("POST", "/api/v1/applications/:name/sync")
def sync(argocd: ArgoCD, call: Call) -> Answer:
    """Begin to apply a revision, by default the head of the branch."""
    with argocd.documents.lock:
        application = _application(argocd, call)
        infos = [
            {"name": str(info.get("name", "")), "value": str(info.get("value", ""))}
            for info in call.data.get("infos") or []
        ]
        dry_run = bool(call.data.get("dryRun"))
        argocd.sync(application, str(call.data.get("revision") or ""), call.user["username"], infos, dry_run=dry_run)
        return Answer.json(application_json(argocd, application))


@routes.on("POST", "/api/v1/applications/:name/rollback")
def rollback(argocd: ArgoCD, call: Call) -> Answer:
    """Begin to apply an entry of the history."""
    with argocd.documents.lock:
        application = _application(argocd, call)
        try:
            number = int(call.data.get("id") or 0)
        except (TypeError, ValueError):
            raise refusal(INVALID_ARGUMENT, "id must be a number") from None
        argocd.rollback(application, number, call.user["username"])
        return Answer.json(application_json(argocd, application))


@routes.on("DELETE", "/api/v1/applications/:name/operation")
def terminate(argocd: ArgoCD, call: Call) -> Answer:
    """End the running operation."""
    with argocd.documents.lock:
        argocd.terminate(_application(argocd, call))
    return Answer.json({})


@routes.on("GET", "/api/v1/applications/:name/resource-tree")
def resource_tree(argocd: ArgoCD, call: Call) -> Answer:
    """Return what an application consists of."""
    with argocd.documents.lock:
        return Answer.json(tree_json(argocd.view(_application(argocd, call))))


@routes.on("GET", "/api/v1/applications/:name/managed-resources")
def managed_resources(argocd: ArgoCD, call: Call) -> Answer:
    """Return an application's resources as wanted and as they are."""
    with argocd.documents.lock:
        items = managed_json(argocd.view(_application(argocd, call)))["items"]
    wanted = [(key, call.one(key)) for key in ("kind", "name", "namespace", "group") if call.one(key)]
    return Answer.json({"items": [item for item in items if all(item[key] == value for key, value in wanted)]})


def _kind(argocd: ArgoCD, call: Call, application: Json, kind: str, name: str) -> str:
    view = argocd.view(application)
    if view.live is None or name != workload_name(view) or kind not in {"Service", view.live.kind}:
        raise refusal(
            INVALID_ARGUMENT,
            f"{kind} {call.one('group')} {name} not found as part of application {application['name']}",
        )
    return kind


@routes.on("GET", "/api/v1/applications/:name/resource")
def get_resource(argocd: ArgoCD, call: Call) -> Answer:
    """Return a live resource's manifest."""
    with argocd.documents.lock:
        application = _application(argocd, call)
        kind = _kind(argocd, call, application, call.one("kind"), call.one("resourceName"))
        return Answer.json({"manifest": json.dumps(manifest(argocd.view(application), kind))})


@routes.on("GET", "/api/v1/applications/:name/resource/actions")
def list_actions(argocd: ArgoCD, call: Call) -> Answer:
    """List what can be done with a resource."""
    with argocd.documents.lock:
        application = _application(argocd, call)
        kind = _kind(argocd, call, application, call.one("kind"), call.one("resourceName"))
        return Answer.json({"actions": [] if kind == "Service" else argocd.actions(application)})


@routes.on("POST", "/api/v1/applications/:name/resource/actions")
def run_action(argocd: ArgoCD, call: Call) -> Answer:
    """Do something with a resource; the body is the action's name alone (the older form)."""
    try:
        action = json.loads(call.body or b'""')
    except ValueError:
        raise refusal(INVALID_ARGUMENT, "the body is not valid JSON") from None
    name = action.get("action", "") if isinstance(action, dict) else str(action)
    return _act(argocd, call, name, call.one("kind"), call.one("resourceName"))


@routes.on("POST", "/api/v1/applications/:name/resource/actions/v2")
def run_action_v2(argocd: ArgoCD, call: Call) -> Answer:
    """Do something with a resource."""
    data = call.data
    return _act(argocd, call, str(data.get("action", "")), str(data.get("kind", "")), str(data.get("resourceName", "")))


def _act(argocd: ArgoCD, call: Call, action: str, kind: str, name: str) -> Answer:
    with argocd.documents.lock:
        application = _application(argocd, call)
        if _kind(argocd, call, application, kind, name) == "Service":
            raise refusal(INVALID_ARGUMENT, f"action {action} is not available for this resource")
        argocd.act(application, action)
    return Answer.json({})


@routes.on("GET", "/api/v1/applications/:name/revisions/:revision/metadata")
def revision_metadata(argocd: ArgoCD, call: Call) -> Answer:
    """Return who wrote a revision, when and why."""
    with argocd.documents.lock:
        _application(argocd, call)
    sha = argocd.manifests.resolve(call.parameters["revision"])
    if sha is None:
        raise refusal(INVALID_ARGUMENT, f"unable to resolve '{call.parameters['revision']}' to a commit SHA")
    author, date, message = argocd.manifests.author(sha)
    return Answer.json({"author": author, "date": date, "message": message})


@routes.on("GET", "/api/v1/stream/applications")
def watch(argocd: ArgoCD, call: Call) -> Answer:
    """Tell of applications as they change, one JSON object a line, all of them first."""
    with argocd.documents.lock:
        _selected(argocd, call)
    return Answer(headers={"content-type": "application/json-seq-stream"}, stream=_changes(argocd, call))


def _changes(argocd: ArgoCD, call: Call) -> Iterator[bytes | None]:
    known: dict[str, str] = {}
    while True:
        with argocd.documents.lock:
            shown = {
                application["name"]: application_json(argocd, application) for application in _selected(argocd, call)
            }
        for name, application in shown.items():
            # That somebody looked again is no change.
            print_of = json.dumps(
                {**application, "status": {**application["status"], "reconciledAt": None}}, sort_keys=True
            )
            if known.get(name) != print_of:
                kind = "MODIFIED" if name in known else "ADDED"
                known[name] = print_of
                yield json.dumps({"result": {"type": kind, "application": application}}).encode() + b"\n"
        yield None
