"""REST over pipelines and jobs."""

from bot.sandbox.documents import Json
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.gitlab.shapes import job_json, pipeline_json
from bot.sandbox.gitlab.site import flag, required
from bot.sandbox.web import Answer, Call, Problem, Routes, page

routes: Routes[GitLab] = Routes()

_SCOPES = {
    "running": {"running"},
    "pending": {"pending"},
    "finished": {"success", "failed", "canceled"},
}
_NOTHING_TO_RUN = (
    "Pipeline will not run for the selected trigger. "
    "The rules configuration prevented any jobs from being added to the pipeline."
)
_RETRYABLE = {"success", "failed", "canceled"}
_VARIABLE = ("key", "value", "variable_type")


def _pipeline(site: GitLab, call: Call) -> tuple[Json, Json]:
    project = site.project(call)
    pipeline = site.documents.get("gitlab_pipeline", call.parameters["pipeline"])
    if pipeline is None or pipeline["project_id"] != project["id"]:
        raise Problem(404, {"message": "404 Not found"})
    return project, pipeline


def _job(site: GitLab, call: Call) -> tuple[Json, Json]:
    project = site.project(call)
    job = site.documents.get("gitlab_job", call.parameters["job"])
    if job is None or job["project_id"] != project["id"]:
        raise Problem(404, {"message": "404 Not found"})
    return project, job


def _jobs_json(site: GitLab, project: Json, jobs: list[Json]) -> list[Json]:
    pipelines = {
        number: site.documents.get("gitlab_pipeline", number) for number in {job["pipeline_id"] for job in jobs}
    }
    shown = []
    for job in jobs:
        pipeline = pipelines[job["pipeline_id"]]
        if pipeline is not None:
            shown.append(job_json(site, project, pipeline, job))
    return shown


def _one_job(site: GitLab, project: Json, job: Json, status: int = 200) -> Answer:
    return Answer.json(_jobs_json(site, project, [job])[0], status)


@routes.on("GET", "/projects/:id/pipelines")
def list_pipelines(site: GitLab, call: Call) -> Answer:
    """List pipelines, newest first, by ref, sha, status, source, scope, updated_after and updated_before."""
    project = site.project(call)
    found = [pipeline for pipeline in site.documents.all("gitlab_pipeline") if pipeline["project_id"] == project["id"]]
    for key in ("ref", "sha", "status", "source"):
        if wanted := call.one(key):
            found = [pipeline for pipeline in found if pipeline[key] == wanted]
    if scope := call.one("scope"):
        if scope in _SCOPES:
            found = [pipeline for pipeline in found if pipeline["status"] in _SCOPES[scope]]
        elif scope in {"tags", "branches"}:
            found = [pipeline for pipeline in found if pipeline["tag"] == (scope == "tags")]
        else:
            raise Problem(400, {"error": "scope does not have a valid value"})
    if after := call.one("updated_after"):
        found = [pipeline for pipeline in found if pipeline["updated_at"] > after]
    if before := call.one("updated_before"):
        found = [pipeline for pipeline in found if pipeline["updated_at"] < before]
    order = call.one("order_by", "id")
    if order not in {"id", "status", "ref", "updated_at", "user_id"}:
        raise Problem(400, {"error": "order_by does not have a valid value"})
    found.sort(key=lambda pipeline: (pipeline[order], pipeline["id"]), reverse=call.one("sort", "desc") == "desc")
    return page(call, [pipeline_json(site, project, pipeline, whole=False) for pipeline in found])


@routes.on("POST", "/projects/:id/pipeline")
def create_pipeline(site: GitLab, call: Call) -> Answer:
    """Run a pipeline for a branch or tag."""
    project = site.project(call)
    (ref,) = required(call, "ref")
    repository = site.repository(project)
    branch, sha = repository.branch(ref), repository.resolve(ref)
    tag = branch is None and f"refs/tags/{ref}" in repository.refs()
    if sha is None or not (branch or tag):
        raise Problem(400, {"message": {"base": ["Reference not found"]}})
    variables = [
        {"variable_type": "env_var", **{key: entry[key] for key in _VARIABLE if key in entry}}
        for entry in call.data.get("variables") or []
    ]
    pipeline = site.pipelines.create(project, ref, sha, call.user["id"], "api", tag=tag, variables=variables)
    if pipeline is None:
        missing = repository.read(sha, ".gitlab-ci.yml") is None
        reason = "Missing CI config file" if missing else _NOTHING_TO_RUN
        raise Problem(400, {"message": {"base": [reason]}})
    if pipeline["yaml_errors"]:
        raise Problem(400, {"message": {"base": [pipeline["yaml_errors"]]}})
    return Answer.json(pipeline_json(site, project, pipeline), 201)


@routes.on("GET", "/projects/:id/pipelines/latest")
def get_latest_pipeline(site: GitLab, call: Call) -> Answer:
    """Return the newest pipeline of a ref."""
    project, ref = site.project(call), call.one("ref", "main")
    found = [p for p in site.documents.all("gitlab_pipeline") if p["project_id"] == project["id"] and p["ref"] == ref]
    if not found:
        raise Problem(403, {"message": "403 Forbidden"})
    return Answer.json(pipeline_json(site, project, max(found, key=lambda pipeline: int(pipeline["id"]))))


@routes.on("GET", "/projects/:id/pipelines/:pipeline")
def get_pipeline(site: GitLab, call: Call) -> Answer:
    """Return one pipeline."""
    return Answer.json(pipeline_json(site, *_pipeline(site, call)))


@routes.on("GET", "/projects/:id/pipelines/:pipeline/variables")
def list_pipeline_variables(site: GitLab, call: Call) -> Answer:
    """List the variables a pipeline was started with."""
    return page(call, _pipeline(site, call)[1]["variables"])


@routes.on("POST", "/projects/:id/pipelines/:pipeline/retry")
def retry_pipeline(site: GitLab, call: Call) -> Answer:
    """Run a pipeline's failed and canceled jobs once more."""
    project, pipeline = _pipeline(site, call)
    return Answer.json(pipeline_json(site, project, site.pipelines.retry(pipeline)), 201)


@routes.on("POST", "/projects/:id/pipelines/:pipeline/cancel")
def cancel_pipeline(site: GitLab, call: Call) -> Answer:
    """End a pipeline's jobs that are not finished."""
    project, pipeline = _pipeline(site, call)
    return Answer.json(pipeline_json(site, project, site.pipelines.cancel(pipeline)), 201)


@routes.on("GET", "/projects/:id/pipelines/:pipeline/jobs")
def list_pipeline_jobs(site: GitLab, call: Call) -> Answer:
    """List a pipeline's jobs, newest first; `include_retried` adds earlier attempts."""
    project, pipeline = _pipeline(site, call)
    return _job_list(
        site, call, project, site.pipelines.jobs(pipeline["id"], retried=flag(call.one("include_retried")))
    )


@routes.on("GET", "/projects/:id/jobs")
def list_jobs(site: GitLab, call: Call) -> Answer:
    """List a project's jobs, newest first."""
    project = site.project(call)
    return _job_list(
        site, call, project, [job for job in site.documents.all("gitlab_job") if job["project_id"] == project["id"]]
    )


def _job_list(site: GitLab, call: Call, project: Json, jobs: list[Json]) -> Answer:
    if scopes := set(call.query.get("scope", [])):
        jobs = [job for job in jobs if job["status"] in scopes]
    return page(call, _jobs_json(site, project, sorted(jobs, key=lambda job: -int(job["id"]))))


@routes.on("GET", "/projects/:id/jobs/:job")
def get_job(site: GitLab, call: Call) -> Answer:
    """Return one job."""
    return _one_job(site, *_job(site, call))


@routes.on("GET", "/projects/:id/jobs/:job/trace")
def get_trace(site: GitLab, call: Call) -> Answer:
    """Return a job's trace so far."""
    _, job = _job(site, call)
    path = site.pipelines.trace_path(job["id"])
    return Answer.text(path.read_bytes() if path.exists() else b"")


@routes.on("POST", "/projects/:id/jobs/:job/retry")
def retry_job(site: GitLab, call: Call) -> Answer:
    """Run a job once more."""
    project, job = _job(site, call)
    if job["status"] not in _RETRYABLE or job["retried"]:
        raise Problem(403, {"message": "403 Forbidden - Job is not retryable"})
    return _one_job(site, project, site.pipelines.retry_job(job), 201)


@routes.on("POST", "/projects/:id/jobs/:job/play")
def play_job(site: GitLab, call: Call) -> Answer:
    """Start a manual job."""
    project, job = _job(site, call)
    if job["status"] != "manual":
        raise Problem(400, {"message": "400 Bad request - Unplayable Job"})
    return _one_job(site, project, site.pipelines.play(job))


@routes.on("POST", "/projects/:id/jobs/:job/cancel")
def cancel_job(site: GitLab, call: Call) -> Answer:
    """End a job."""
    project, job = _job(site, call)
    return _one_job(site, project, site.pipelines.cancel_job(job), 201)
