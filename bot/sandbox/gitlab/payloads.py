"""What a webhook's body holds for each kind of event, as GitLab sends it."""

from bot.sandbox.documents import Json
from bot.sandbox.gitlab.site import Site, elapsed

MOST_COMMITS = 20


def project_json(site: Site, project: Json) -> Json:
    """Return the project as every event describes it."""
    return {
        "id": project["id"],
        "name": project["name"],
        "description": project["description"],
        "web_url": site.project_url(project),
        "avatar_url": None,
        "git_http_url": f"{site.project_url(project)}.git",
        "namespace": project["path_with_namespace"].rsplit("/", 1)[0],
        "visibility_level": 0,
        "path_with_namespace": project["path_with_namespace"],
        "default_branch": "main",
        "ci_config_path": None,
    }


def user_json(site: Site, number: int) -> Json:
    """Return an account as pipeline, job and merge request events describe it."""
    user = site.user(number)
    return {
        "id": number,
        "name": user["name"],
        "username": user["username"],
        "avatar_url": None,
        "email": user["email"],
    }


def commit_json(site: Site, project: Json, sha: str) -> Json:
    """Return a commit as pipeline and merge request events describe it."""
    commit = site.repository(project).commit(sha)
    return {
        "id": sha,
        "message": commit.message,
        "title": commit.message.split("\n", 1)[0],
        "timestamp": commit.committed,
        "url": f"{site.project_url(project)}/-/commit/{sha}",
        "author": {"name": commit.author.name, "email": commit.author.email},
    }


def push(site: Site, project: Json, ref: str, *, before: str, after: str, user_id: int) -> Json:
    """Return a push or, for `refs/tags/…`, a tag push event."""
    repository, user = site.repository(project), site.user(user_id)
    gone, new = set(after) == {"0"}, set(before) == {"0"}
    tag = ref.startswith("refs/tags/")
    commits = [] if gone or tag else repository.log(after if new else f"{before}..{after}", limit=MOST_COMMITS)
    listed = []
    for commit in reversed(commits):
        changes = repository.differences(commit.first_parent, commit.sha)
        listed.append(
            commit_json(site, project, commit.sha)
            | {
                "added": [change.new_path for change in changes if change.old_mode == "0"],
                "modified": [change.new_path for change in changes if "0" not in {change.old_mode, change.new_mode}],
                "removed": [change.old_path for change in changes if change.new_mode == "0"],
            }
        )
    return {
        "object_kind": "tag_push" if tag else "push",
        "event_name": "tag_push" if tag else "push",
        "before": before,
        "after": after,
        "ref": ref,
        "ref_protected": ref == "refs/heads/main",
        "checkout_sha": None if gone else after,
        "message": None,
        "user_id": user_id,
        "user_name": user["name"],
        "user_username": user["username"],
        "user_email": user["email"],
        "user_avatar": None,
        "project_id": project["id"],
        "project": project_json(site, project),
        "commits": listed,
        "total_commits_count": len(listed),
        "push_options": {},
    }


def _build(site: Site, job: Json) -> Json:
    return {
        **{key: job[key] for key in ("id", "stage", "name", "status", "created_at", "started_at", "finished_at")},
        "duration": elapsed(job["started_at"], job["finished_at"]),
        "queued_duration": elapsed(job["queued_at"], job["started_at"]),
        "failure_reason": job["failure_reason"],
        "when": job["when"],
        "manual": job["when"] == "manual",
        "allow_failure": job["allow_failure"],
        "user": user_json(site, job["user_id"]),
        "runner": None,
        "artifacts_file": {"filename": None, "size": None},
        "environment": None,
    }


def pipeline(site: Site, project: Json, pipeline: Json, jobs: list[Json]) -> Json:
    """Return a pipeline event."""
    status = "passed" if pipeline["status"] == "success" else pipeline["status"]
    duration = elapsed(pipeline["started_at"], pipeline["finished_at"])
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            **{
                key: pipeline[key]
                for key in ("id", "iid", "ref", "tag", "sha", "before_sha", "source", "status", "stages", "variables")
            },
            "name": None,
            "detailed_status": status,
            "created_at": pipeline["created_at"],
            "finished_at": pipeline["finished_at"],
            "duration": None if duration is None else round(duration),
            "queued_duration": None,
            "url": f"{site.project_url(project)}/-/pipelines/{pipeline['id']}",
        },
        "merge_request": None,
        "user": user_json(site, pipeline["user_id"]),
        "project": project_json(site, project),
        "commit": commit_json(site, project, pipeline["sha"]),
        "builds": [_build(site, job) for job in jobs],
    }


def job(site: Site, project: Json, pipeline: Json, job: Json) -> Json:
    """Return a job event (GitLab calls it `build`)."""
    commit = site.repository(project).commit(pipeline["sha"])
    return {
        "object_kind": "build",
        "ref": pipeline["ref"],
        "tag": pipeline["tag"],
        "before_sha": pipeline["before_sha"],
        "sha": pipeline["sha"],
        "retries_count": job["attempt"],
        "build_id": job["id"],
        "build_name": job["name"],
        "build_stage": job["stage"],
        "build_status": job["status"],
        "build_created_at": job["created_at"],
        "build_started_at": job["started_at"],
        "build_finished_at": job["finished_at"],
        "build_duration": elapsed(job["started_at"], job["finished_at"]),
        "build_queued_duration": elapsed(job["queued_at"], job["started_at"]),
        "build_allow_failure": job["allow_failure"],
        "build_failure_reason": job["failure_reason"] or "unknown_failure",
        "pipeline_id": pipeline["id"],
        "runner": None,
        "project_id": project["id"],
        "project_name": project["path_with_namespace"].replace("/", " / "),
        "user": user_json(site, job["user_id"]),
        "commit": {
            "id": pipeline["id"],
            "name": None,
            "sha": commit.sha,
            "message": commit.message,
            "author_name": commit.author.name,
            "author_email": commit.author.email,
            "status": pipeline["status"],
            "duration": None,
            "started_at": pipeline["started_at"],
            "finished_at": pipeline["finished_at"],
        },
        "repository": {"name": project["name"], "homepage": site.project_url(project), "visibility_level": 0},
        "project": project_json(site, project),
        "environment": None,
    }


def merge_request(site: Site, project: Json, request: Json, action: str, user_id: int) -> Json:
    """Return a merge request event; `action` is open, update, merge, close, reopen or approved."""
    described = project_json(site, project)
    keys = (
        "id",
        "iid",
        "title",
        "description",
        "state",
        "source_branch",
        "target_branch",
        "created_at",
        "updated_at",
        "merge_commit_sha",
    )
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": user_json(site, user_id),
        "project": described,
        "object_attributes": {
            **{key: request[key] for key in keys},
            "author_id": request["author_id"],
            "source_project_id": project["id"],
            "target_project_id": project["id"],
            "source": described,
            "target": described,
            "draft": request["draft"],
            "last_commit": commit_json(site, project, request["sha"]),
            "detailed_merge_status": "mergeable",
            "url": f"{site.project_url(project)}/-/merge_requests/{request['iid']}",
            "action": action,
        },
        "labels": [],
        "changes": {},
        "repository": {"name": project["name"], "url": described["git_http_url"], "homepage": described["web_url"]},
    }
