"""REST over a project's webhooks."""

from bot.sandbox.documents import Json
from bot.sandbox.gitlab.deliveries import SWITCHES
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.gitlab.site import flag, required
from bot.sandbox.web import Answer, Call, Problem, Routes, page

routes: Routes[GitLab] = Routes()


def _hook_json(hook: Json) -> Json:
    kept = ("id", "url", "created_at", "project_id", "enable_ssl_verification", *SWITCHES)
    return {
        **{key: hook[key] for key in kept},
        "name": hook["name"],
        "description": "",
        "alert_status": "executable",
        "disabled_until": None,
        "url_variables": [],
        "push_events_branch_filter": None,
        "branch_filter_strategy": "wildcard",
        "custom_webhook_template": None,
        "custom_headers": [],
        "repository_update_events": False,
        "issues_events": False,
        "confidential_issues_events": False,
        "confidential_note_events": None,
        "wiki_page_events": False,
        "deployment_events": False,
        "feature_flag_events": False,
        "releases_events": False,
        "emoji_events": False,
        "resource_access_token_events": False,
    }


def _hook(site: GitLab, call: Call) -> Json:
    project = site.project(call)
    hook = site.documents.get("gitlab_hook", call.parameters["hook"])
    if hook is None or hook["project_id"] != project["id"]:
        raise Problem(404, {"message": "404 Not found"})
    return hook


@routes.on("GET", "/projects/:id/hooks")
def list_hooks(site: GitLab, call: Call) -> Answer:
    """List a project's hooks."""
    project = site.project(call)
    hooks = [hook for hook in site.documents.all("gitlab_hook") if hook["project_id"] == project["id"]]
    return page(call, [_hook_json(hook) for hook in sorted(hooks, key=lambda hook: int(hook["id"]))])


@routes.on("POST", "/projects/:id/hooks")
def create_hook(site: GitLab, call: Call) -> Answer:
    """Add a hook; push events are on unless said otherwise, as in GitLab."""
    project = site.project(call)
    (url,) = required(call, "url")
    if not str(url).startswith(("http://", "https://")):
        raise Problem(422, {"error": "Invalid url given"})
    hook: Json = {
        "id": site.documents.next_id("gitlab_hook"),
        "project_id": project["id"],
        "url": url,
        "name": str(call.data.get("name") or ""),
        "token": str(call.data.get("token") or ""),
        "enable_ssl_verification": flag(call.data.get("enable_ssl_verification"), default=True),
        "created_at": site.now,
        "deliveries": [],
        **{switch: flag(call.data.get(switch), default=switch == "push_events") for switch in SWITCHES},
    }
    return Answer.json(_hook_json(site.documents.put("gitlab_hook", hook["id"], hook)), 201)


@routes.on("GET", "/projects/:id/hooks/:hook")
def get_hook(site: GitLab, call: Call) -> Answer:
    """Return one hook; its token is never told."""
    return Answer.json(_hook_json(_hook(site, call)))


@routes.on("PUT", "/projects/:id/hooks/:hook")
def update_hook(site: GitLab, call: Call) -> Answer:
    """Change a hook."""
    hook = _hook(site, call)
    hook |= {key: str(call.data[key]) for key in ("url", "token", "name") if call.data.get(key) is not None}
    hook |= {switch: flag(call.data[switch]) for switch in SWITCHES if switch in call.data}
    return Answer.json(_hook_json(site.documents.put("gitlab_hook", hook["id"], hook)))


@routes.on("DELETE", "/projects/:id/hooks/:hook")
def delete_hook(site: GitLab, call: Call) -> Answer:
    """Remove a hook."""
    site.documents.delete("gitlab_hook", _hook(site, call)["id"])
    return Answer(204)


@routes.on("GET", "/projects/:id/hooks/:hook/events")
def list_deliveries(site: GitLab, call: Call) -> Answer:
    """List a hook's recent deliveries, newest first."""
    return page(call, _hook(site, call)["deliveries"])
