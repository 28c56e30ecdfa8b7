"""REST over merge requests and their notes."""

from functools import partial

from bot.sandbox.documents import Json
from bot.sandbox.gitlab import payloads
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.gitlab.repository_routes import difference_json
from bot.sandbox.gitlab.shapes import pipeline_json
from bot.sandbox.gitlab.site import flag, required
from bot.sandbox.web import Answer, Call, Problem, Routes, page

routes: Routes[GitLab] = Routes()

_STATE_EVENTS = {"close": ("opened", "closed"), "reopen": ("closed", "opened")}


def _request(site: GitLab, call: Call) -> tuple[Json, Json]:
    project = site.project(call)
    for request in site.documents.all("gitlab_merge_request"):
        if request["project_id"] == project["id"] and str(request["iid"]) == call.parameters["iid"]:
            return project, request
    raise Problem(404, {"message": "404 Not found"})


def _save(site: GitLab, project: Json, request: Json, action: str, user_id: int) -> None:
    request["updated_at"] = site.now
    site.documents.put("gitlab_merge_request", request["id"], request)
    described = partial(payloads.merge_request, site, project, request, action, user_id)
    site.deliveries.publish(project, "merge_request", described)


def _head_pipeline(site: GitLab, request: Json) -> Json | None:
    found = [
        p
        for p in site.documents.all("gitlab_pipeline")
        if p["project_id"] == request["project_id"] and p["sha"] == request["sha"]
    ]
    return max(found, key=lambda pipeline: int(pipeline["id"]), default=None)


def _json(site: GitLab, project: Json, request: Json, *, whole: bool = True) -> Json:
    def user(key: str) -> Json | None:
        return site.user_json(request[key]) if request[key] else None

    same = (
        "id",
        "iid",
        "project_id",
        "title",
        "description",
        "state",
        "created_at",
        "updated_at",
        "merged_at",
        "closed_at",
    )
    also = ("target_branch", "source_branch", "labels", "draft", "sha", "merge_commit_sha")
    path = f"!{request['iid']}"
    opened = request["state"] == "opened"
    basic = {
        **{key: request[key] for key in (*same, *also)},
        "merged_by": user("merged_by"),
        "merge_user": user("merged_by"),
        "closed_by": user("closed_by"),
        "author": user("author_id"),
        "assignees": [],
        "assignee": None,
        "reviewers": [],
        "user_notes_count": sum(
            note["merge_request_id"] == request["id"] for note in site.documents.all("gitlab_note")
        ),
        "upvotes": 0,
        "downvotes": 0,
        "source_project_id": project["id"],
        "target_project_id": project["id"],
        "imported": False,
        "imported_from": "none",
        "work_in_progress": request["draft"],
        "milestone": None,
        "merge_when_pipeline_succeeds": False,
        "merge_status": "can_be_merged",
        "detailed_merge_status": "not_open" if not opened else "draft_status" if request["draft"] else "mergeable",
        "squash_commit_sha": None,
        "discussion_locked": None,
        "should_remove_source_branch": None,
        "force_remove_source_branch": request["remove_source_branch"],
        "reference": path,
        "references": {"short": path, "relative": path, "full": f"{project['path_with_namespace']}{path}"},
        "web_url": f"{site.project_url(project)}/-/merge_requests/{request['iid']}",
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "squash": False,
        "task_completion_status": {"count": 0, "completed_count": 0},
        "has_conflicts": False,
        "blocking_discussions_resolved": True,
    }
    if not whole:
        return basic
    pipeline = _head_pipeline(site, request)
    return {
        **basic,
        "subscribed": True,
        "changes_count": str(len(_differences(site, project, request))),
        "pipeline": pipeline_json(site, project, pipeline, whole=False) if pipeline else None,
        "head_pipeline": pipeline_json(site, project, pipeline) if pipeline else None,
        "diff_refs": {"base_sha": request["base_sha"], "head_sha": request["sha"], "start_sha": request["base_sha"]},
        "merge_error": None,
        "first_contribution": False,
        "user": {"can_merge": True},
    }


def _differences(site: GitLab, project: Json, request: Json) -> list[Json]:
    repository = site.repository(project)
    return [difference_json(difference) for difference in repository.differences(request["base_sha"], request["sha"])]


@routes.on("GET", "/projects/:id/merge_requests")
def list_merge_requests(site: GitLab, call: Call) -> Answer:
    """List merge requests, newest first, by state, branches, labels and search."""
    project = site.project(call)
    found = [
        request for request in site.documents.all("gitlab_merge_request") if request["project_id"] == project["id"]
    ]
    for key in ("state", "source_branch", "target_branch"):
        if (wanted := call.one(key)) and wanted != "all":
            found = [request for request in found if request[key] == wanted]
    if labels := call.one("labels"):
        found = [request for request in found if set(labels.split(",")) <= set(request["labels"])]
    if search := call.one("search").lower():
        found = [request for request in found if search in f"{request['title']} {request['description']}".lower()]
    found.sort(key=lambda request: -int(request["id"]))
    return page(call, [_json(site, project, request, whole=False) for request in found])


@routes.on("POST", "/projects/:id/merge_requests")
def create_merge_request(site: GitLab, call: Call) -> Answer:
    """Propose a branch for another."""
    project = site.project(call)
    source, target, title = required(call, "source_branch", "target_branch", "title")
    repository = site.repository(project)
    head, into = repository.branch(source), repository.branch(target)
    if source == target:
        raise Problem(422, {"message": ["You can't use same project/branch for source and target"]})
    if head is None or into is None:
        raise Problem(400, {"message": [f"{'Source' if head is None else 'Target'} branch does not exist"]})
    with site.documents.lock:
        for other in site.documents.all("gitlab_merge_request"):
            same = (other["project_id"], other["source_branch"], other["target_branch"]) == (
                project["id"],
                source,
                target,
            )
            if same and other["state"] == "opened":
                raise Problem(
                    409,
                    {"message": [f"Another open merge request already exists for this source branch: !{other['iid']}"]},
                )
        labels = call.data.get("labels") or []
        request: Json = {
            "id": site.documents.next_id("gitlab_merge_request"),
            "iid": site.documents.next_id(f"gitlab_merge_request/{project['id']}"),
            "project_id": project["id"],
            "title": title,
            "description": str(call.data.get("description") or ""),
            "state": "opened",
            "source_branch": source,
            "target_branch": target,
            "labels": [label.strip() for label in labels.split(",")] if isinstance(labels, str) else labels,
            "draft": str(title).lower().startswith("draft:"),
            "author_id": call.user["id"],
            "approved_by": [],
            "remove_source_branch": flag(call.data.get("remove_source_branch")),
            "sha": head,
            "base_sha": repository.merge_base(into, head) or into,
            "merge_commit_sha": None,
            "merged_by": None,
            "merged_at": None,
            "closed_by": None,
            "closed_at": None,
            "created_at": site.now,
            "updated_at": site.now,
        }
        _save(site, project, request, "open", call.user["id"])
    return Answer.json(_json(site, project, request), 201)


@routes.on("GET", "/projects/:id/merge_requests/:iid")
def get_merge_request(site: GitLab, call: Call) -> Answer:
    """Return one merge request."""
    return Answer.json(_json(site, *_request(site, call)))


@routes.on("PUT", "/projects/:id/merge_requests/:iid")
def update_merge_request(site: GitLab, call: Call) -> Answer:
    """Change title, description or labels, close or reopen."""
    project, request = _request(site, call)
    request |= {key: str(call.data[key]) for key in ("title", "description") if call.data.get(key) is not None}
    if (labels := call.data.get("labels")) is not None:
        request["labels"] = (
            [label.strip() for label in labels.split(",") if label.strip()] if isinstance(labels, str) else labels
        )
    action = "update"
    if event := call.data.get("state_event"):
        expected, state = _STATE_EVENTS.get(event, ("", ""))
        if request["state"] == expected:
            closed = state == "closed"
            request |= {
                "state": state,
                "closed_by": call.user["id"] if closed else None,
                "closed_at": site.now if closed else None,
            }
            action = event
    _save(site, project, request, action, call.user["id"])
    return Answer.json(_json(site, project, request))


@routes.on("PUT", "/projects/:id/merge_requests/:iid/merge")
def accept_merge_request(site: GitLab, call: Call) -> Answer:
    """Merge; a `sha` that is no longer the head is refused."""
    project, request = _request(site, call)
    with site.documents.lock:
        if request["state"] != "opened" or request["draft"]:
            raise Problem(405, {"message": "405 Method Not Allowed"})
        if (expected := call.data.get("sha")) and expected != request["sha"]:
            raise Problem(409, {"message": f"SHA does not match HEAD of source branch: {request['sha']}"})
        repository = site.repository(project)
        source, target = request["source_branch"], request["target_branch"]
        reference = f"See merge request {project['path_with_namespace']}!{request['iid']}"
        default = f"Merge branch '{source}' into '{target}'\n\n{request['title']}\n\n{reference}"
        message = str(call.data.get("merge_commit_message") or default)
        with site.pushes.watch(project, call.user["id"]):
            merged = repository.merge(target, request["sha"], message, site.person(call.user), site.clock())
            if merged is None:
                raise Problem(422, {"message": "Branch cannot be merged"})
            remove = call.data.get("should_remove_source_branch", request["remove_source_branch"])
            if flag(remove):
                repository.delete_ref(f"refs/heads/{source}")
        request |= {"state": "merged", "merge_commit_sha": merged, "merged_by": call.user["id"], "merged_at": site.now}
        _save(site, project, request, "merge", call.user["id"])
    return Answer.json(_json(site, project, request))


@routes.on("GET", "/projects/:id/merge_requests/:iid/changes")
def get_changes(site: GitLab, call: Call) -> Answer:
    """Return a merge request with what it changes."""
    project, request = _request(site, call)
    changes = _differences(site, project, request)
    return Answer.json({**_json(site, project, request), "changes": changes, "overflow": False})


@routes.on("GET", "/projects/:id/merge_requests/:iid/diffs")
def list_diffs(site: GitLab, call: Call) -> Answer:
    """List what a merge request changes."""
    return page(call, _differences(site, *_request(site, call)))


@routes.on("GET", "/projects/:id/merge_requests/:iid/commits")
def list_commits(site: GitLab, call: Call) -> Answer:
    """List a merge request's commits, newest first."""
    project, request = _request(site, call)
    commits = site.repository(project).log(f"{request['base_sha']}..{request['sha']}")
    return page(call, [site.commit_json(project, commit) for commit in commits])


@routes.on("GET", "/projects/:id/merge_requests/:iid/pipelines")
def list_pipelines(site: GitLab, call: Call) -> Answer:
    """List the pipelines of a merge request's head."""
    project, request = _request(site, call)
    found = [
        p
        for p in site.documents.all("gitlab_pipeline")
        if p["project_id"] == project["id"] and p["sha"] == request["sha"]
    ]
    return page(call, [pipeline_json(site, project, pipeline, whole=False) for pipeline in found])


@routes.on("POST", "/projects/:id/merge_requests/:iid/approve")
def approve(site: GitLab, call: Call) -> Answer:
    """Approve; nobody approves twice."""
    project, request = _request(site, call)
    if call.user["id"] in request["approved_by"]:
        raise Problem(401, {"message": "401 Unauthorized"})
    request["approved_by"] = [*request["approved_by"], call.user["id"]]
    _save(site, project, request, "approved", call.user["id"])
    people = [{"user": site.user_json(number), "approved_at": site.now} for number in request["approved_by"]]
    return Answer.json(
        {"user_has_approved": True, "user_can_approve": False, "approved": True, "approved_by": people}, 201
    )


def _note_json(site: GitLab, project: Json, request: Json, note: Json) -> Json:
    return {
        **{key: note[key] for key in ("id", "body", "created_at", "updated_at")},
        "type": None,
        "author": site.user_json(note["author_id"]),
        "system": False,
        "noteable_id": request["id"],
        "noteable_type": "MergeRequest",
        "noteable_iid": request["iid"],
        "project_id": project["id"],
        "resolvable": False,
        "confidential": False,
        "internal": False,
    }


@routes.on("GET", "/projects/:id/merge_requests/:iid/notes")
def list_notes(site: GitLab, call: Call) -> Answer:
    """List a merge request's notes, newest first."""
    project, request = _request(site, call)
    notes = [note for note in site.documents.all("gitlab_note") if note["merge_request_id"] == request["id"]]
    notes.sort(key=lambda note: int(note["id"]), reverse=call.one("sort", "desc") == "desc")
    return page(call, [_note_json(site, project, request, note) for note in notes])


@routes.on("POST", "/projects/:id/merge_requests/:iid/notes")
def create_note(site: GitLab, call: Call) -> Answer:
    """Write a note."""
    project, request = _request(site, call)
    (body,) = required(call, "body")
    number = site.documents.next_id("gitlab_note")
    note: Json = {
        "id": number,
        "merge_request_id": request["id"],
        "body": body,
        "author_id": call.user["id"],
        "created_at": site.now,
        "updated_at": site.now,
    }
    site.documents.put("gitlab_note", number, note)
    return Answer.json(_note_json(site, project, request, note), 201)
