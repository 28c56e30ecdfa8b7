"""The way in to the GitLab stand-in: git's paths, then REST behind a token."""

from bot.sandbox import pages
from bot.sandbox.gitlab import (
    hook_routes,
    merge_request_routes,
    pipeline_routes,
    project_routes,
    repository_routes,
    smart_http,
)
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.web import Answer, Call, Problem, Routes

PREFIX = "/api/v4"

routes: Routes[GitLab] = Routes()
for module in (project_routes, repository_routes, pipeline_routes, merge_request_routes, hook_routes):
    routes.include(module.routes)


def answer(site: GitLab, call: Call) -> Answer:
    """Answer one request; `call.path` is undecoded and without the place this GitLab is mounted at."""
    if not call.path.startswith(PREFIX):
        found_page = pages.gitlab(site, call.path) if call.method == "GET" else None
        return (
            smart_http.answer(site, call) or found_page or Answer.text("There is no such page in the sandbox.\n", 404)
        )
    found = routes.find(call.method, call.path.removeprefix(PREFIX))
    try:
        call.user = site.user_of(call)
        if found is None:
            return Answer.json({"error": "404 Not Found"}, 404)
        handler, call.parameters = found
        return handler(site, call)
    except Problem as problem:
        return problem.answer
