"""Plain pages behind the links that cards carry: commits, pipelines, job traces, files' history, applications."""

import re
from html import escape

from bot.sandbox.argocd.instance import ArgoCD
from bot.sandbox.argocd.shapes import application_json
from bot.sandbox.documents import Json
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.repository import GitError
from bot.sandbox.web import Answer

_GITLAB = re.compile(r"/(?P<project>[\w./-]+?)(?:/-/(?P<kind>\w+)/(?P<name>[^/]+))?$")
_ARGOCD = re.compile(r"/applications(?:/[\w-]+/(?P<name>[\w-]+))?$")
# What colours a trace in a terminal, and the marks of its sections, mean nothing to a browser.
_CONTROLS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|section_(?:start|end):\d+:\w+\r")
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f5;padding:1rem;overflow-x:auto}td,th{text-align:left;padding:.2rem 1rem .2rem 0}"
)


def gitlab(site: GitLab, path: str) -> Answer | None:
    """Return a page of the GitLab stand-in, or None where there is none."""
    match = _GITLAB.match(path)
    project = site.project_by_path(match["project"]) if match else None
    if match is None or project is None:
        return None
    makers = {
        "commit": _commit,
        "commits": _commit,
        "pipelines": _pipeline,
        "jobs": _job,
        "merge_requests": _merge_request,
    }
    maker = makers.get(match["kind"] or "")
    if maker is None:
        return _project(site, project) if match["kind"] is None else None
    return maker(site, project, match["name"])


def argocd(site: ArgoCD, path: str) -> Answer | None:
    """Return a page of the Argo CD stand-in, or None where there is none."""
    match = _ARGOCD.match(path)
    if match is None:
        return None
    with site.documents.lock:
        found = [application_json(site, application) for application in site.applications()]
    rows = [
        [
            item["metadata"]["name"],
            ", ".join(image.rpartition(":")[2] for image in item["status"]["summary"]["images"]),
            item["status"]["sync"]["status"],
            item["status"]["health"]["status"],
        ]
        for item in found
        if match["name"] in {None, item["metadata"]["name"]}
    ]
    if not rows:
        return None
    return _page(match["name"] or "Applications", _table(["Application", "Runs", "Sync", "Health"], rows))


def _project(site: GitLab, project: Json) -> Answer:
    commits = site.repository(project).log("main", limit=20)
    rows = [
        [commit.sha[:8], commit.message.partition("\n")[0], commit.author.name, commit.committed] for commit in commits
    ]
    return _page(project["path_with_namespace"], _table(["Commit", "What", "Who", "When"], rows))


def _commit(site: GitLab, project: Json, name: str) -> Answer | None:
    repository = site.repository(project)
    sha = repository.resolve(name)
    if sha is None:
        return None
    try:
        shown = repository.git("show", "--no-color", "--stat", "--patch", sha).decode(errors="replace")
    except GitError:
        return None
    return _page(f"{project['path_with_namespace']} {sha[:8]}", f"<pre>{escape(shown)}</pre>")


def _pipeline(site: GitLab, project: Json, name: str) -> Answer | None:
    pipeline = site.documents.get("gitlab_pipeline", name)
    if pipeline is None or pipeline["project_id"] != project["id"]:
        return None
    rows = [[str(job["id"]), job["stage"], job["name"], job["status"]] for job in site.pipelines.jobs(pipeline["id"])]
    problem = f"<pre>{escape(pipeline['yaml_errors'])}</pre>" if pipeline["yaml_errors"] else ""
    title = f"{project['path_with_namespace']} pipeline {name}: {pipeline['status']}"
    return _page(title, problem + _table(["Job", "Stage", "Name", "Status"], rows))


def _job(site: GitLab, project: Json, name: str) -> Answer | None:
    job = site.documents.get("gitlab_job", name)
    if job is None or job["project_id"] != project["id"]:
        return None
    path = site.pipelines.trace_path(job["id"])
    trace = path.read_text(errors="replace") if path.exists() else "This job's trace is not kept."
    title = f"{project['path_with_namespace']} {job['name']}: {job['status']}"
    return _page(title, f"<pre>{escape(_CONTROLS.sub('', trace))}</pre>")


def _merge_request(site: GitLab, project: Json, name: str) -> Answer | None:
    for request in site.documents.all("gitlab_merge_request"):
        if (request["project_id"], str(request["iid"])) == (project["id"], name):
            body = f"<p>{escape(request['source_branch'])} → {escape(request['target_branch'])}: {request['state']}</p>"
            return _page(f"!{name} {request['title']}", f"{body}<pre>{escape(request['description'])}</pre>")
    return None


def _table(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _page(title: str, body: str) -> Answer:
    text = f"<!doctype html><title>{escape(title)}</title><style>{_STYLE}</style><h1>{escape(title)}</h1>{body}"
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    return Answer(200, text.encode(), headers)
