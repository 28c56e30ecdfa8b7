"""How pipelines and jobs look in GitLab's answers."""

from bot.sandbox.documents import Json
from bot.sandbox.gitlab.site import Site, elapsed


def pipeline_json(site: Site, project: Json, pipeline: Json, *, whole: bool = True) -> Json:
    """Return a pipeline as GitLab answers it; `whole` is what a single one has more than one in a list."""
    basic = {
        key: pipeline[key]
        for key in ("id", "iid", "project_id", "sha", "ref", "status", "source", "created_at", "updated_at")
    }
    basic["web_url"] = f"{site.project_url(project)}/-/pipelines/{pipeline['id']}"
    if not whole:
        return basic
    duration = elapsed(pipeline["started_at"], pipeline["finished_at"])
    more = {
        key: pipeline[key] for key in ("before_sha", "tag", "yaml_errors", "started_at", "finished_at", "committed_at")
    }
    status = "passed" if pipeline["status"] == "success" else pipeline["status"]
    return {
        **basic,
        **more,
        "user": site.user_json(pipeline["user_id"]),
        "duration": None if duration is None else round(duration),
        "queued_duration": round(elapsed(pipeline["created_at"], pipeline["started_at"]) or 0),
        "coverage": None,
        "detailed_status": {
            "icon": f"status_{pipeline['status']}",
            "text": status.capitalize(),
            "label": status,
            "group": pipeline["status"],
            "tooltip": status,
            "has_details": True,
            "details_path": f"/{project['path_with_namespace']}/-/pipelines/{pipeline['id']}",
            "favicon": f"/assets/ci_favicons/favicon_status_{pipeline['status']}.png",
        },
    }


def job_json(site: Site, project: Json, pipeline: Json, job: Json) -> Json:
    """Return a job as GitLab answers it."""
    commit = site.repository(project).commit(pipeline["sha"])
    return {
        **{key: job[key] for key in ("id", "status", "stage", "name", "ref", "tag", "allow_failure")},
        **{key: job[key] for key in ("created_at", "started_at", "finished_at")},
        "coverage": None,
        "erased_at": None,
        "duration": elapsed(job["started_at"], job["finished_at"]),
        "queued_duration": elapsed(job["queued_at"], job["started_at"]),
        "user": site.user_json(job["user_id"]),
        "commit": site.commit_json(project, commit),
        "pipeline": pipeline_json(site, project, pipeline, whole=False),
        **({"failure_reason": job["failure_reason"]} if job["failure_reason"] else {}),
        "web_url": f"{site.project_url(project)}/-/jobs/{job['id']}",
        "project": {"ci_job_token_scope_enabled": False},
        "artifacts": [],
        "runner": None,
        "runner_manager": None,
        "artifacts_expire_at": None,
        "archived": False,
        "tag_list": [],
    }
