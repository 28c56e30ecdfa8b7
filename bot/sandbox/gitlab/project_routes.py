"""REST over projects and what belongs to them: people, variables, releases, images, protected branches."""

import hashlib
import re

from bot.sandbox.documents import Json
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.gitlab.site import MAINTAINER, flag, required
from bot.sandbox.web import Answer, Call, Problem, Routes, page

routes: Routes[GitLab] = Routes()

_KEY = re.compile(r"[A-Za-z0-9_]{1,255}$")


def _basic_json(site: GitLab, project: Json) -> Json:
    path, url = project["path_with_namespace"], site.project_url(project)
    group = path.rsplit("/", 1)[0]
    return {
        "id": project["id"],
        "description": project["description"],
        "name": project["name"],
        "name_with_namespace": path.replace("/", " / "),
        "path": project["path"],
        "path_with_namespace": path,
        "created_at": project["created_at"],
        "default_branch": "main",
        "tag_list": [],
        "topics": [],
        "ssh_url_to_repo": f"git@gitlab.lanternshop.example:{path}.git",
        "http_url_to_repo": f"{url}.git",
        "web_url": url,
        "readme_url": f"{url}/-/blob/main/README.md",
        "forks_count": 0,
        "avatar_url": None,
        "star_count": 0,
        "last_activity_at": project["created_at"],
        "namespace": {
            "id": 1,
            "name": group,
            "path": group,
            "kind": "group",
            "full_path": group,
            "parent_id": None,
            "avatar_url": None,
            "web_url": f"{site.url()}/groups/{group}",
        },
    }


def _project_json(site: GitLab, project: Json) -> Json:
    return {
        **_basic_json(site, project),
        "container_registry_image_prefix": project["image"],
        "packages_enabled": False,
        "empty_repo": False,
        "archived": False,
        "visibility": "private",
        "issues_enabled": True,
        "merge_requests_enabled": True,
        "wiki_enabled": False,
        "jobs_enabled": True,
        "snippets_enabled": False,
        "container_registry_enabled": True,
        "can_create_merge_request_in": True,
        "shared_runners_enabled": True,
        "lfs_enabled": False,
        "creator_id": 1,
        "import_status": "none",
        "open_issues_count": 0,
        "ci_config_path": None,
        "public_jobs": True,
        "only_allow_merge_if_pipeline_succeeds": False,
        "merge_method": "merge",
        "squash_option": "default_off",
        "permissions": {"project_access": {"access_level": MAINTAINER, "notification_level": 3}, "group_access": None},
    }


@routes.on("GET", "/user")
def get_user(site: GitLab, call: Call) -> Answer:
    """Return the account behind the token."""
    user = call.user
    return Answer.json(
        {**site.user_json(user["id"]), "email": user["email"], "is_admin": user["is_admin"], "bot": user["bot"]}
    )


@routes.on("GET", "/users")
def list_users(site: GitLab, call: Call) -> Answer:
    """List accounts, by username or search."""
    wanted, search = call.one("username"), call.one("search").lower()
    users = sorted(site.documents.all("gitlab_user"), key=lambda user: int(user["id"]))
    found = [
        user
        for user in users
        if wanted in {"", user["username"]} and search in f"{user['username']} {user['name']}".lower()
    ]
    return page(call, [site.user_json(user["id"]) for user in found])


@routes.on("GET", "/users/:user")
def get_one_user(site: GitLab, call: Call) -> Answer:
    """Return one account."""
    return Answer.json(site.user_json(site.user(int(call.parameters["user"]))["id"]))


@routes.on("GET", "/version")
def get_version(_site: GitLab, _call: Call) -> Answer:
    """Return the version this stands in for."""
    return Answer.json({"version": "18.5.0", "revision": "sandbox"})


@routes.on("GET", "/projects")
def list_projects(site: GitLab, call: Call) -> Answer:
    """List projects in short, by search."""
    search = call.one("search").lower()
    projects = sorted(site.documents.all("gitlab_project"), key=lambda project: int(project["id"]))
    return page(call, [_basic_json(site, project) for project in projects if search in project["path_with_namespace"]])


@routes.on("GET", "/projects/:id")
def get_project(site: GitLab, call: Call) -> Answer:
    """Return one project."""
    return Answer.json(_project_json(site, site.project(call)))


# -- people


def _member_json(site: GitLab, user: Json) -> Json:
    return {
        **site.user_json(user["id"]),
        "access_level": user["access_level"],
        "created_at": user["created_at"],
        "expires_at": None,
        "membership_state": "active",
    }


@routes.on("GET", "/projects/:id/members/all")
@routes.on("GET", "/projects/:id/members")
def list_members(site: GitLab, call: Call) -> Answer:
    """List who has access; everybody of the company has it through its group."""
    site.project(call)
    users = sorted(site.documents.all("gitlab_user"), key=lambda user: int(user["id"]))
    return page(call, [_member_json(site, user) for user in users if call.one("query") in user["username"]])


@routes.on("GET", "/projects/:id/members/all/:user")
@routes.on("GET", "/projects/:id/members/:user")
def get_member(site: GitLab, call: Call) -> Answer:
    """Return one person's access."""
    site.project(call)
    return Answer.json(_member_json(site, site.user(int(call.parameters["user"]))))


@routes.on("GET", "/projects/:id/users")
def list_project_users(site: GitLab, call: Call) -> Answer:
    """List the accounts with access."""
    site.project(call)
    users = sorted(site.documents.all("gitlab_user"), key=lambda user: int(user["id"]))
    return page(call, [site.user_json(user["id"]) for user in users])


# -- variables


def _variable_json(variable: Json) -> Json:
    return {key: value for key, value in variable.items() if key != "project_id"}


def _variable(site: GitLab, call: Call) -> tuple[str, Json]:
    key = f"{site.project(call)['id']}/{call.parameters['key']}"
    found = site.documents.get("gitlab_variable", key)
    if found is None:
        raise Problem(404, {"message": "404 Variable Not Found"})
    return key, found


@routes.on("GET", "/projects/:id/variables")
def list_variables(site: GitLab, call: Call) -> Answer:
    """List a project's variables."""
    project = site.project(call)
    found = [entry for entry in site.documents.all("gitlab_variable") if entry["project_id"] == project["id"]]
    return page(call, [_variable_json(entry) for entry in sorted(found, key=lambda entry: str(entry["key"]))])


@routes.on("POST", "/projects/:id/variables")
def create_variable(site: GitLab, call: Call) -> Answer:
    """Add a variable."""
    project = site.project(call)
    key, value = required(call, "key", "value")
    if not _KEY.match(key):
        raise Problem(400, {"message": {"key": ["can contain only letters, digits and '_'."]}})
    name = f"{project['id']}/{key}"
    if site.documents.get("gitlab_variable", name):
        raise Problem(400, {"message": {"key": [f"({key}) has already been taken"]}})
    variable: Json = {
        "project_id": project["id"],
        "variable_type": call.data.get("variable_type", "env_var"),
        "key": key,
        "value": str(value),
        "hidden": False,
        "protected": flag(call.data.get("protected")),
        "masked": flag(call.data.get("masked")),
        "raw": flag(call.data.get("raw")),
        "environment_scope": call.data.get("environment_scope", "*"),
        "description": call.data.get("description"),
    }
    return Answer.json(_variable_json(site.documents.put("gitlab_variable", name, variable)), 201)


@routes.on("GET", "/projects/:id/variables/:key")
def get_variable(site: GitLab, call: Call) -> Answer:
    """Return one variable."""
    return Answer.json(_variable_json(_variable(site, call)[1]))


@routes.on("PUT", "/projects/:id/variables/:key")
def update_variable(site: GitLab, call: Call) -> Answer:
    """Change a variable."""
    name, variable = _variable(site, call)
    variable |= {key: call.data[key] for key in ("value", "description", "environment_scope") if key in call.data}
    variable |= {key: flag(call.data[key]) for key in ("protected", "masked", "raw") if key in call.data}
    return Answer.json(_variable_json(site.documents.put("gitlab_variable", name, variable)))


@routes.on("DELETE", "/projects/:id/variables/:key")
def delete_variable(site: GitLab, call: Call) -> Answer:
    """Remove a variable."""
    site.documents.delete("gitlab_variable", _variable(site, call)[0])
    return Answer(204)


# -- releases and images


def _release_json(site: GitLab, project: Json, release: Json) -> Json:
    repository = site.repository(project)
    tag, url = release["tag_name"], site.project_url(project)
    sha = repository.resolve(tag)
    return {
        **{key: release[key] for key in ("name", "tag_name", "description", "created_at", "released_at")},
        "upcoming_release": False,
        "author": site.user_json(release["author_id"]),
        "commit": site.commit_json(project, repository.commit(sha)) if sha else None,
        "commit_path": f"/{project['path_with_namespace']}/-/commit/{sha}",
        "tag_path": f"/{project['path_with_namespace']}/-/tags/{tag}",
        "assets": {"count": 0, "sources": [], "links": []},
        "evidences": [],
        "_links": {"self": f"{url}/-/releases/{tag}"},
    }


@routes.on("GET", "/projects/:id/releases")
def list_releases(site: GitLab, call: Call) -> Answer:
    """List releases, newest first."""
    project = site.project(call)
    found = [release for release in site.documents.all("gitlab_release") if release["project_id"] == project["id"]]
    found.sort(
        key=lambda release: (str(release["released_at"]), int(release["id"])),
        reverse=call.one("sort", "desc") == "desc",
    )
    return page(call, [_release_json(site, project, release) for release in found])


@routes.on("GET", "/projects/:id/releases/:tag")
def get_release(site: GitLab, call: Call) -> Answer:
    """Return one release."""
    project = site.project(call)
    release = site.documents.get("gitlab_release", f"{project['id']}/{call.parameters['tag']}")
    if release is None:
        raise Problem(404, {"message": "404 Not Found"})
    return Answer.json(_release_json(site, project, release))


@routes.on("POST", "/projects/:id/releases")
def create_release(site: GitLab, call: Call) -> Answer:
    """Make a release of an existing tag."""
    project = site.project(call)
    (tag,) = required(call, "tag_name")
    if f"refs/tags/{tag}" not in site.repository(project).refs():
        raise Problem(422, {"message": "Ref is not specified"})
    key = f"{project['id']}/{tag}"
    if site.documents.get("gitlab_release", key):
        raise Problem(409, {"message": "Release already exists"})
    release: Json = {
        "id": site.documents.next_id("gitlab_release"),
        "project_id": project["id"],
        "name": call.data.get("name") or tag,
        "tag_name": tag,
        "description": str(call.data.get("description") or ""),
        "author_id": call.user["id"],
        "created_at": site.now,
        "released_at": site.now,
    }
    return Answer.json(_release_json(site, project, site.documents.put("gitlab_release", key, release)), 201)


def _images(site: GitLab, project: Json) -> list[Json]:
    found = [image for image in site.documents.all("gitlab_image") if image["project_id"] == project["id"]]
    return sorted(found, key=lambda image: str(image["tag"]))


def _image_json(project: Json, image: Json) -> Json:
    tag = image["tag"]
    return {"name": tag, "path": f"{project['path_with_namespace']}:{tag}", "location": f"{project['image']}:{tag}"}


@routes.on("GET", "/projects/:id/registry/repositories")
def list_image_repositories(site: GitLab, call: Call) -> Answer:
    """List the project's image repositories: one, with the project's own id."""
    project = site.project(call)
    images = _images(site, project)
    if not images:
        return page(call, [])
    entry: Json = {
        "id": project["id"],
        "name": "",
        "path": project["path_with_namespace"],
        "project_id": project["id"],
        "location": project["image"],
        "created_at": project["created_at"],
        "cleanup_policy_started_at": None,
        "status": None,
    }
    if flag(call.one("tags_count")):
        entry["tags_count"] = len(images)
    if flag(call.one("tags")):
        entry["tags"] = [_image_json(project, image) for image in images]
    return page(call, [entry])


@routes.on("GET", "/projects/:id/registry/repositories/:repository/tags")
def list_image_tags(site: GitLab, call: Call) -> Answer:
    """List the tags of an image repository."""
    project = site.project(call)
    return page(call, [_image_json(project, image) for image in _images(site, project)])


@routes.on("GET", "/projects/:id/registry/repositories/:repository/tags/:tag")
def get_image_tag(site: GitLab, call: Call) -> Answer:
    """Return one image."""
    project = site.project(call)
    image = site.documents.get("gitlab_image", f"{project['image']}:{call.parameters['tag']}")
    if image is None:
        raise Problem(404, {"message": "404 Tag Not Found"})
    revision = hashlib.sha256(f"{project['image']}:{image['tag']}".encode()).hexdigest()
    facts = {
        "revision": revision,
        "short_revision": revision[:9],
        "digest": f"sha256:{revision}",
        "created_at": image["created_at"],
        "total_size": 48_000_000,
    }
    return Answer.json({**_image_json(project, image), **facts})


# -- protected branches


def _protected_json(entry: Json) -> Json:
    level = {"access_level": MAINTAINER, "access_level_description": "Maintainers"}
    return {
        "id": entry["id"],
        "name": entry["name"],
        "push_access_levels": [{"id": entry["id"], **level}],
        "merge_access_levels": [{"id": entry["id"], **level}],
        "allow_force_push": False,
    }


@routes.on("GET", "/projects/:id/protected_branches")
def list_protected_branches(site: GitLab, call: Call) -> Answer:
    """List protected branches."""
    project = site.project(call)
    return page(
        call,
        [
            _protected_json(entry)
            for entry in site.documents.all("gitlab_protected_branch")
            if entry["project_id"] == project["id"]
        ],
    )


@routes.on("POST", "/projects/:id/protected_branches")
def protect_branch(site: GitLab, call: Call) -> Answer:
    """Protect a branch."""
    project = site.project(call)
    (name,) = required(call, "name")
    key = f"{project['id']}/{name}"
    if site.documents.get("gitlab_protected_branch", key):
        raise Problem(409, {"message": f"Protected branch '{name}' already exists"})
    entry: Json = {"id": site.documents.next_id("gitlab_protected_branch"), "project_id": project["id"], "name": name}
    return Answer.json(_protected_json(site.documents.put("gitlab_protected_branch", key, entry)), 201)


@routes.on("GET", "/projects/:id/protected_branches/:name")
def get_protected_branch(site: GitLab, call: Call) -> Answer:
    """Return one protected branch."""
    entry = site.documents.get("gitlab_protected_branch", f"{site.project(call)['id']}/{call.parameters['name']}")
    if entry is None:
        raise Problem(404, {"message": "404 Not found"})
    return Answer.json(_protected_json(entry))


@routes.on("DELETE", "/projects/:id/protected_branches/:name")
def unprotect_branch(site: GitLab, call: Call) -> Answer:
    """Unprotect a branch."""
    site.documents.delete("gitlab_protected_branch", f"{site.project(call)['id']}/{call.parameters['name']}")
    return Answer(204)
