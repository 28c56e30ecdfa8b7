"""Pipelines as they come to be, run and end: made from a commit's `.gitlab-ci.yml`, kept as documents."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot.sandbox.ci import config, scheduling
from bot.sandbox.ci.runner import Cancellation, Outcome, Work, run
from bot.sandbox.documents import Json
from bot.sandbox.gitlab import payloads
from bot.sandbox.gitlab.site import Events, Site, slug, timestamp

RUNNERS = 4
_NOBODY = "0" * 40
_SKIP = ("[ci skip]", "[skip ci]")


class Pipelines:
    """All pipelines of a GitLab; a few jobs run at a time, each by its own thread."""

    def __init__(self, site: Site, events: Events) -> None:
        self._site = site
        self._documents = site.documents
        self._events = events
        self._executor: ThreadPoolExecutor | None = None
        self._running: dict[int, Cancellation] = {}
        self._closed = False
        self.on_success: Callable[[Json, Json], None] = lambda _project, _pipeline: None
        """Told of every pipeline that went well, with its project (a tag's pipeline publishes an image)."""

    # -- coming to be

    def create(
        self,
        project: Json,
        ref: str,
        sha: str,
        user_id: int,
        source: str,
        *,
        tag: bool = False,
        before: str = _NOBODY,
        variables: list[Json] | None = None,
    ) -> Json | None:
        """Make and start the pipeline of a commit.

        Returns:
            The pipeline; None where the commit has no configuration or no job of it applies.
        """
        repository = self._site.repository(project)
        content = repository.read(sha, ".gitlab-ci.yml")
        if content is None:
            return None
        commit = repository.commit(sha)
        context = self._context(project, ref, sha, source, commit.message, tag=tag, before=before)
        context |= {entry["key"]: entry["value"] for entry in [*self._project_variables(project), *(variables or [])]}

        def read(path: str) -> str | None:
            found = repository.read(sha, path)
            return None if found is None else found.decode(errors="replace")

        def changed() -> list[str]:
            base = before if before != _NOBODY and repository.resolve(before) else commit.first_parent
            return [difference.new_path for difference in repository.differences(base, sha)]

        loaded: config.Config | None = None
        errors = None
        try:
            loaded = config.load(content.decode(errors="replace"), context, read, changed)
        except config.ConfigError as error:
            errors = str(error)
        if loaded is None and errors is None:
            return None
        with self._documents.lock:
            number = self._documents.next_id("gitlab_pipeline")
            pipeline: Json = {
                "id": number,
                "iid": self._documents.next_id(f"gitlab_pipeline/{project['id']}"),
                "project_id": project["id"],
                "sha": sha,
                "ref": ref,
                "tag": tag,
                "status": "failed" if errors else "created",
                "source": source,
                "before_sha": before,
                "yaml_errors": errors,
                "user_id": user_id,
                "variables": variables or [],
                "stages": loaded.stages if loaded else [],
                "created_at": self._site.now,
                "updated_at": self._site.now,
                "started_at": None,
                "finished_at": self._site.now if errors else None,
                "committed_at": commit.committed,
            }
            self._documents.put("gitlab_pipeline", number, pipeline)
            skip = source == "push" and any(mark in commit.message.lower() for mark in _SKIP)
            for job in loaded.jobs if loaded else []:
                self._create_job(pipeline, _specification(job), "skipped" if skip else "created")
            if skip:
                pipeline["status"] = "skipped"
                self._documents.put("gitlab_pipeline", number, pipeline)
        self._tell_pipeline(pipeline)
        if loaded is not None and not skip:
            self.advance(number)
        return pipeline

    def _create_job(self, pipeline: Json, specification: Json, status: str = "created", attempt: int = 0) -> Json:
        number = self._documents.next_id("gitlab_job")
        job: Json = {
            "id": number,
            "pipeline_id": pipeline["id"],
            "project_id": pipeline["project_id"],
            "ref": pipeline["ref"],
            "tag": pipeline["tag"],
            "user_id": pipeline["user_id"],
            **specification,
            "status": status,
            "attempt": attempt,
            "retried": False,
            "exit_code": None,
            "failure_reason": None,
            "created_at": self._site.now,
            "queued_at": None,
            "started_at": None,
            "finished_at": None,
            "specification": specification,
        }
        return self._documents.put("gitlab_job", number, job)

    def _project_variables(self, project: Json) -> list[Json]:
        return [entry for entry in self._documents.all("gitlab_variable") if entry["project_id"] == project["id"]]

    def _context(
        self, project: Json, ref: str, sha: str, source: str, message: str, *, tag: bool, before: str
    ) -> dict[str, str]:
        title, _, description = message.partition("\n")
        return {
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_SERVER_URL": self._site.url(),
            "CI_API_V4_URL": f"{self._site.url()}/api/v4",
            "CI_PROJECT_ID": str(project["id"]),
            "CI_PROJECT_NAME": project["path"],
            "CI_PROJECT_PATH": project["path_with_namespace"],
            "CI_PROJECT_URL": self._site.project_url(project),
            "CI_REGISTRY_IMAGE": project["image"],
            "CI_DEFAULT_BRANCH": "main",
            "CI_PIPELINE_SOURCE": source,
            "CI_COMMIT_SHA": sha,
            "CI_COMMIT_SHORT_SHA": sha[:8],
            "CI_COMMIT_BEFORE_SHA": before,
            "CI_COMMIT_REF_NAME": ref,
            "CI_COMMIT_REF_SLUG": slug(ref),
            "CI_COMMIT_TITLE": title,
            "CI_COMMIT_MESSAGE": message,
            "CI_COMMIT_DESCRIPTION": description.strip(),
            ("CI_COMMIT_TAG" if tag else "CI_COMMIT_BRANCH"): ref,
        }

    # -- running

    def jobs(self, pipeline_id: int, *, retried: bool = False) -> list[Json]:
        """Return a pipeline's jobs, oldest first; with `retried` also attempts that were made again."""
        with self._documents.lock:
            found = [job for job in self._documents.all("gitlab_job") if job["pipeline_id"] == pipeline_id]
        return sorted((job for job in found if retried or not job["retried"]), key=lambda job: int(job["id"]))

    def advance(self, pipeline_id: int) -> None:
        """Start what can start now and bring the pipeline's status up to date."""
        with self._documents.lock:
            pipeline = self._documents.get("gitlab_pipeline", pipeline_id)
            if pipeline is None or self._closed:
                return
            while moves := scheduling.transitions(self.jobs(pipeline_id), pipeline["stages"]):
                for job, status in moves:
                    job["status"] = status
                    job["queued_at"] = self._site.now
                    self._documents.put("gitlab_job", job["id"], job)
                    if status == "pending":
                        self._submit(job["id"])
            before, now = pipeline["status"], scheduling.status(self.jobs(pipeline_id))
            if before == now:
                return
            pipeline["status"] = now
            pipeline["updated_at"] = self._site.now
            if now == "running":
                pipeline["started_at"] = pipeline["started_at"] or self._site.now
            pipeline["finished_at"] = self._site.now if now in scheduling.FINISHED else None
            self._documents.put("gitlab_pipeline", pipeline_id, pipeline)
        self._tell_pipeline(pipeline)
        if now == "success":
            project = self._documents.get("gitlab_project", pipeline["project_id"])
            if project is not None:
                self.on_success(project, pipeline)

    def _submit(self, job_id: int) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(RUNNERS, thread_name_prefix="sandbox-runner")
        self._running[job_id] = Cancellation()
        self._executor.submit(self._run, job_id)

    def _run(self, job_id: int) -> None:
        with self._documents.lock:
            job, cancellation = self._documents.get("gitlab_job", job_id), self._running.get(job_id)
            if job is None or cancellation is None or job["status"] != "pending" or self._closed:
                return
            project = self._documents.get("gitlab_project", job["project_id"])
            pipeline = self._documents.get("gitlab_pipeline", job["pipeline_id"])
            if project is None or pipeline is None:
                return
            job["status"], job["started_at"] = "running", self._site.now
            self._documents.put("gitlab_job", job_id, job)
            work = self._work(project, pipeline, job)
        self.advance(job["pipeline_id"])
        self._tell_job(job)
        scratch, trace = self._site.folder / "builds", self.trace_path(job_id)
        outcome = run(
            work,
            self._site.repository(project),
            trace_path=trace,
            scratch=scratch,
            now=self._site.clock,
            cancellation=cancellation,
        )
        self._finish(job_id, outcome)

    def _work(self, project: Json, pipeline: Json, job: Json) -> Work:
        own = self._project_variables(project)
        variables = {
            **job["variables"],
            # Those of the project are as they are now: one that was added since stands for a job that runs again, too.
            **{entry["key"]: entry["value"] for entry in own},
            **{entry["key"]: entry["value"] for entry in pipeline["variables"]},
            "CI_PIPELINE_ID": str(pipeline["id"]),
            "CI_PIPELINE_IID": str(pipeline["iid"]),
            "CI_JOB_ID": str(job["id"]),
            "CI_JOB_NAME": job["name"],
            "CI_JOB_STAGE": job["stage"],
            "CI_JOB_URL": f"{self._site.project_url(project)}/-/jobs/{job['id']}",
        }
        return Work(
            job=job["id"],
            project=project["path_with_namespace"],
            sha=pipeline["sha"],
            ref=pipeline["ref"],
            script=job["script"],
            after_script=job["after_script"],
            variables=variables,
            secrets=[entry["value"] for entry in own if entry["masked"]],
            timeout=job["timeout"],
        )

    def _finish(self, job_id: int, outcome: Outcome) -> None:
        with self._documents.lock:
            self._running.pop(job_id, None)
            job = self._documents.get("gitlab_job", job_id)
            if job is None or self._closed:
                return
            job["finished_at"] = self._site.now
            job["exit_code"], job["failure_reason"] = outcome.exit_code, outcome.reason
            if job["status"] != "canceled":
                job["status"] = outcome.status
            if outcome.exit_code is not None and outcome.exit_code in job["allowed_exit_codes"]:
                job["allow_failure"] = True
            elif job["allowed_exit_codes"] and outcome.status == "failed":
                job["allow_failure"] = False
            self._documents.put("gitlab_job", job_id, job)
            again = job["status"] == "failed" and job["attempt"] < job["retries"] and _retry_applies(job)
            if again:
                self._again(job, attempt=job["attempt"] + 1)
        self._tell_job(job)
        self.advance(job["pipeline_id"])

    def _again(self, job: Json, attempt: int) -> Json:
        pipeline = self._documents.get("gitlab_pipeline", job["pipeline_id"])
        if pipeline is None:
            raise KeyError(job["pipeline_id"])
        job["retried"] = True
        self._documents.put("gitlab_job", job["id"], job)
        return self._create_job(pipeline, job["specification"], attempt=attempt)

    # -- by hand

    def retry_job(self, job: Json) -> Json:
        """Run a finished job once more; returns the new attempt."""
        with self._documents.lock:
            again = self._again(job, attempt=0)
            # What was skipped because of it gets its chance.
            for other in self.jobs(job["pipeline_id"]):
                if other["status"] == "skipped":
                    self._documents.put("gitlab_job", other["id"], {**other, "status": "created", "finished_at": None})
        self.advance(job["pipeline_id"])
        return again

    def retry(self, pipeline: Json) -> Json:
        """Run the failed and canceled jobs of a pipeline once more, and those that were skipped because of them."""
        with self._documents.lock:
            for job in self.jobs(pipeline["id"]):
                if job["status"] in {"failed", "canceled"}:
                    self._again(job, attempt=0)
                elif job["status"] == "skipped":
                    self._documents.put("gitlab_job", job["id"], {**job, "status": "created", "finished_at": None})
        self.advance(pipeline["id"])
        return pipeline

    def play(self, job: Json) -> Json:
        """Start a manual job."""
        with self._documents.lock:
            job["status"], job["queued_at"] = "pending", self._site.now
            self._documents.put("gitlab_job", job["id"], job)
            self._submit(job["id"])
        self.advance(job["pipeline_id"])
        return job

    def cancel_job(self, job: Json) -> Json:
        """End a job that is not finished."""
        with self._documents.lock:
            if job["status"] in scheduling.FINISHED:
                return job
            job["status"], job["finished_at"] = "canceled", self._site.now
            self._documents.put("gitlab_job", job["id"], job)
            if cancellation := self._running.get(job["id"]):
                cancellation.cancel()
        self.advance(job["pipeline_id"])
        return job

    def cancel(self, pipeline: Json) -> Json:
        """End all jobs of a pipeline that are not finished."""
        for job in self.jobs(pipeline["id"]):
            self.cancel_job(job)
        return pipeline

    # -- around

    def trace_path(self, job_id: int) -> Path:
        """Return the file of a job's trace; it need not exist yet."""
        return self._site.folder / "traces" / f"{job_id}.log"

    def put_past_job(self, pipeline: Json, name: str, stage: str, start: datetime, length: float) -> None:
        """Put down a job that went well some time ago, for a company with a past."""
        specification = _specification(config.Job(name, stage, []))
        job = self._create_job(pipeline, specification, "success")
        begun, ended = timestamp(start), timestamp(start + timedelta(seconds=length))
        job |= {"created_at": begun, "queued_at": begun, "started_at": begun, "finished_at": ended, "exit_code": 0}
        self._documents.put("gitlab_job", job["id"], job)

    def recover(self) -> None:
        """Take up what a stopped sandbox left behind: running jobs have failed, waiting ones run."""
        with self._documents.lock:
            touched = set()
            for job in self._documents.all("gitlab_job"):
                if job["status"] == "running":
                    job |= {
                        "status": "failed",
                        "failure_reason": "runner_system_failure",
                        "finished_at": self._site.now,
                    }
                    self._documents.put("gitlab_job", job["id"], job)
                    touched.add(job["pipeline_id"])
                elif job["status"] == "pending":
                    self._submit(job["id"])
                    touched.add(job["pipeline_id"])
        for pipeline_id in touched:
            self.advance(pipeline_id)

    def close(self) -> None:
        """End running jobs; they count as failed when the sandbox starts again."""
        with self._documents.lock:
            self._closed = True
            running = list(self._running.values())
        for cancellation in running:
            cancellation.cancel()
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def _tell_pipeline(self, pipeline: Json) -> None:
        project = self._documents.get("gitlab_project", pipeline["project_id"])
        if project is not None:
            jobs = self.jobs(pipeline["id"])
            described = partial(payloads.pipeline, self._site, project, pipeline, jobs)
            self._events.publish(project, "pipeline", described)

    def _tell_job(self, job: Json) -> None:
        project = self._documents.get("gitlab_project", job["project_id"])
        pipeline = self._documents.get("gitlab_pipeline", job["pipeline_id"])
        if project is not None and pipeline is not None:
            self._events.publish(project, "job", partial(payloads.job, self._site, project, pipeline, job))


def _specification(job: config.Job) -> dict[str, Any]:
    return {
        "name": job.name,
        "stage": job.stage,
        "script": job.script,
        "after_script": job.after_script,
        "variables": job.variables,
        "needs": job.needs,
        "when": job.when,
        "allow_failure": job.allow_failure,
        "allowed_exit_codes": job.allowed_exit_codes,
        "retries": job.retries,
        "retry_when": job.retry_when,
        "timeout": job.timeout,
    }


def _retry_applies(job: Json) -> bool:
    return "always" in job["retry_when"] or job["failure_reason"] in job["retry_when"]
