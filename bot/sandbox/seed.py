"""Fills an empty sandbox with the company: projects, history, accounts, tokens, pipelines past, applications."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from bot.sandbox import history
from bot.sandbox.argocd.instance import ArgoCD
from bot.sandbox.company import BOT, ENVIRONMENTS, MANIFESTS, PEOPLE, SERVICES, Service
from bot.sandbox.documents import Documents, Json
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.gitlab.site import timestamp

_JOBS = (("compile", "build"), ("unit", "test"), ("version", "test"), ("container", "publish"))
_JOB_SECONDS = 2


def gitlab(site: GitLab) -> None:
    """Create accounts, projects and everything git holds."""
    documents, now = site.documents, site.clock()
    for number, person in enumerate((BOT, *PEOPLE), start=1):
        account: Json = {
            "id": number,
            "username": person.name,
            "name": person.full_name,
            "email": person.email,
            "access_level": person.access_level,
            "is_admin": person.role == "admin",
            "bot": person is BOT,
            "created_at": timestamp(now - timedelta(days=400)),
        }
        documents.put("gitlab_user", number, account)
        token = f"glpat-{secrets.token_urlsafe(15)}"
        documents.put(
            "gitlab_token", token, {"token": token, "user_id": number, "username": person.name, "revoked": False}
        )
    streams = {}
    for service in SERVICES:
        _project(site, service.project, service.description, service.image)
        streams[service.project] = history.service_stream(service, now)
    _project(site, MANIFESTS, "What runs where.", "")
    streams[MANIFESTS] = history.manifests_stream(now)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda entry: _import(site, *entry), streams.items()))
    for service in SERVICES:
        _releases(site, service, now)


def _project(site: GitLab, path: str, description: str, image: str) -> None:
    number = site.documents.next_id("gitlab_project")
    name = path.rsplit("/", 1)[-1]
    created = timestamp(site.clock() - timedelta(days=400))
    project = {
        "id": number,
        "path_with_namespace": path,
        "path": name,
        "name": name,
        "description": description,
        "image": image,
        "created_at": created,
    }
    site.documents.put("gitlab_project", number, project)
    site.documents.put(
        "gitlab_protected_branch", f"{number}/main", {"id": number, "project_id": number, "name": "main"}
    )


def _import(site: GitLab, path: str, stream: bytes) -> None:
    repository = site.repository({"path_with_namespace": path})
    repository.create()
    repository.fast_import(stream)


def _releases(site: GitLab, service: Service, now: datetime) -> None:
    project = site.project_by_path(service.project)
    if project is None:
        raise KeyError(service.project)
    refs = site.repository(project).refs()
    author = 1 + next((index for index, person in enumerate(PEOPLE, start=1) if service.owner in person.teams), 2)
    for index, release in enumerate(service.releases):
        when = timestamp(history.released_at(service, index, now))
        entry: Json = {
            "id": site.documents.next_id("gitlab_release"),
            "project_id": project["id"],
            "name": release.version,
            "tag_name": release.version,
            "description": release.notes,
            "author_id": author,
            "created_at": when,
            "released_at": when,
        }
        site.documents.put("gitlab_release", f"{project['id']}/{release.version}", entry)
        site.add_image(project, release.version)
        _past_pipeline(
            site,
            project,
            release.version,
            refs[f"refs/tags/{release.version}"],
            when=history.released_at(service, index, now),
            author=author,
            tag=True,
        )
    _past_pipeline(
        site,
        project,
        "main",
        refs["refs/heads/main"],
        when=history.released_at(service, len(service.releases) - 1, now),
        author=author,
        tag=False,
    )


def _past_pipeline(site: GitLab, project: Json, ref: str, sha: str, *, when: datetime, author: int, tag: bool) -> None:
    """Put down a pipeline that went well some time ago; its traces are not kept, as GitLab forgets them too."""
    documents = site.documents
    jobs = [job for job in _JOBS if tag or job[0] != "container"]
    number, end = documents.next_id("gitlab_pipeline"), timestamp(when + timedelta(seconds=_JOB_SECONDS * len(jobs)))
    pipeline: Json = {
        "id": number,
        "iid": documents.next_id(f"gitlab_pipeline/{project['id']}"),
        "project_id": project["id"],
        "sha": sha,
        "ref": ref,
        "tag": tag,
        "status": "success",
        "source": "push",
        "before_sha": "0" * 40,
        "yaml_errors": None,
        "user_id": author,
        "variables": [],
        "stages": list(dict.fromkeys(stage for _, stage in jobs)),
        "created_at": timestamp(when),
        "updated_at": end,
        "started_at": timestamp(when),
        "finished_at": end,
        "committed_at": timestamp(when),
    }
    documents.put("gitlab_pipeline", number, pipeline)
    for place, (name, stage) in enumerate(jobs):
        site.pipelines.put_past_job(pipeline, name, stage, when + timedelta(seconds=_JOB_SECONDS * place), _JOB_SECONDS)


def argocd(site: ArgoCD, documents: Documents) -> None:
    """Create the accounts and applications; every one runs what the manifests say."""
    for username in (BOT.name, "admin"):
        token = secrets.token_urlsafe(32)
        documents.put("argocd_token", token, {"token": token, "username": username, "revoked": False})
    head, past = site.manifests.head(), site.manifests.past()
    for service in SERVICES:
        for environment in ENVIRONMENTS:
            file = service.manifest(environment)
            application = site.add(
                name=f"{service.name}-{environment}",
                namespace=f"shop-{environment}",
                path=f"apps/{service.name}/chart" if service.helm else file.rsplit("/", 1)[0],
                workload="" if service.helm else f"apps/{service.name}/base/workload.yaml",
                values=file if service.helm else "",
                labels={"service": service.name, "environment": environment, "team": service.owner},
            )
            wanted = site.manifests.desired(head, application)
            versions = [
                service.releases[0].version,
                *(release.version for release in history.deployed(service, environment)),
            ]
            for (revision, at), version in zip(past[file], versions, strict=True):
                site.adopt(application, replace(wanted, tag=version), revision, at)
