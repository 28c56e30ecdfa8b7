"""REST over a project's repository: branches, tags, commits, comparison, tree and files."""

import base64
import binascii
import hashlib
from typing import Any

from bot.sandbox.documents import Json
from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.gitlab.site import flag, required
from bot.sandbox.repository import Change, Commit, Difference, GitError, Repository, Tag, is_sha
from bot.sandbox.web import Answer, Call, Problem, Routes, page

routes: Routes[GitLab] = Routes()

MOST_COMMITS = 1000


@routes.on("GET", "/projects/:id/repository/branches")
def list_branches(site: GitLab, call: Call) -> Answer:
    """List branches, filtered by `search`."""
    project = site.project(call)
    heads = {
        name.removeprefix("refs/heads/"): sha
        for name, sha in site.repository(project).refs().items()
        if name.startswith("refs/heads/")
    }
    wanted = call.one("search")
    names = [name for name in sorted(heads) if wanted in name]
    commits = site.repository(project).commits(heads.values())
    return page(call, [_branch_json(site, project, name, commits[heads[name]]) for name in names])


@routes.on("GET", "/projects/:id/repository/branches/:branch")
def get_branch(site: GitLab, call: Call) -> Answer:
    """Return one branch."""
    project, name = site.project(call), call.parameters["branch"]
    sha = site.repository(project).branch(name)
    if sha is None:
        raise Problem(404, {"message": "404 Branch Not Found"})
    return Answer.json(_branch_json(site, project, name, site.repository(project).commit(sha)))


@routes.on("POST", "/projects/:id/repository/branches")
def create_branch(site: GitLab, call: Call) -> Answer:
    """Create a branch from a ref."""
    project = site.project(call)
    name, ref = required(call, "branch", "ref")
    repository = site.repository(project)
    if repository.branch(name):
        raise Problem(400, {"message": "Branch already exists"})
    sha = repository.resolve(ref)
    if sha is None:
        raise Problem(400, {"message": f"Invalid reference name: {ref}"})
    try:
        with site.documents.lock, site.pushes.watch(project, call.user["id"]):
            repository.set_branch(name, sha)
    except GitError:
        raise Problem(400, {"message": "Branch name is invalid"}) from None
    return Answer.json(_branch_json(site, project, name, repository.commit(sha)), 201)


@routes.on("DELETE", "/projects/:id/repository/branches/:branch")
def delete_branch(site: GitLab, call: Call) -> Answer:
    """Remove a branch that is not the default one."""
    project, name = site.project(call), call.parameters["branch"]
    if name == "main":
        raise Problem(400, {"message": "Cannot remove HEAD branch"})
    if site.repository(project).branch(name) is None:
        raise Problem(404, {"message": "404 Branch Not Found"})
    with site.documents.lock, site.pushes.watch(project, call.user["id"]):
        site.repository(project).delete_ref(f"refs/heads/{name}")
    return Answer(204)


@routes.on("GET", "/projects/:id/repository/tags")
def list_tags(site: GitLab, call: Call) -> Answer:
    """List tags, newest first; `search` takes `^start` and `end$`."""
    project = site.project(call)
    search = call.one("search")
    tags = [tag for tag in site.repository(project).tags() if _matches(tag.name, search)]
    if call.one("order_by") == "name":
        tags.sort(key=lambda tag: tag.name, reverse=True)
    if call.one("sort") == "asc":
        tags.reverse()
    commits = site.repository(project).commits(tag.commit for tag in tags)
    return page(call, [_tag_json(site, project, tag, commits[tag.commit]) for tag in tags])


@routes.on("GET", "/projects/:id/repository/tags/:tag")
def get_tag(site: GitLab, call: Call) -> Answer:
    """Return one tag."""
    project = site.project(call)
    tag = _tag(site.repository(project), call.parameters["tag"])
    return Answer.json(_tag_json(site, project, tag, site.repository(project).commit(tag.commit)))


@routes.on("POST", "/projects/:id/repository/tags")
def create_tag(site: GitLab, call: Call) -> Answer:
    """Create a tag, annotated when it has a message."""
    project = site.project(call)
    name, ref = required(call, "tag_name", "ref")
    repository = site.repository(project)
    if any(tag.name == name for tag in repository.tags()):
        raise Problem(400, {"message": f"Tag {name} already exists"})
    sha = repository.resolve(ref)
    if sha is None:
        raise Problem(400, {"message": f"Target {ref} is invalid"})
    message = str(call.data.get("message") or "")
    try:
        with site.documents.lock, site.pushes.watch(project, call.user["id"]):
            repository.create_tag(name, sha, message, site.person(call.user), site.clock())
    except GitError:
        raise Problem(400, {"message": f"Tag name {name} is invalid"}) from None
    return Answer.json(_tag_json(site, project, _tag(repository, name), repository.commit(sha)), 201)


@routes.on("DELETE", "/projects/:id/repository/tags/:tag")
def delete_tag(site: GitLab, call: Call) -> Answer:
    """Remove a tag."""
    project = site.project(call)
    tag = _tag(site.repository(project), call.parameters["tag"])
    with site.documents.lock, site.pushes.watch(project, call.user["id"]):
        site.repository(project).delete_ref(f"refs/tags/{tag.name}")
    return Answer(204)


@routes.on("GET", "/projects/:id/repository/commits")
def list_commits(site: GitLab, call: Call) -> Answer:
    """List commits of a ref or range."""
    project = site.project(call)
    name = call.one("ref_name", "main")
    if ".." in name:
        first, _, last = name.partition("..")
        revision = f"{site.commit_sha(project, first)}..{site.commit_sha(project, last.lstrip('.'))}"
    else:
        revision = site.commit_sha(project, name)
    since, until = call.one("since"), call.one("until")
    commits = site.repository(project).log(revision, call.one("path"), MOST_COMMITS, since, until)
    author = call.one("author").lower()
    wanted = [commit for commit in commits if author in f"{commit.author.name} <{commit.author.email}>".lower()]
    return page(call, [site.commit_json(project, commit) for commit in wanted])


@routes.on("POST", "/projects/:id/repository/commits")
def create_commit(site: GitLab, call: Call) -> Answer:
    """Commit several file actions at once."""
    project = site.project(call)
    branch, message, actions = required(call, "branch", "commit_message", "actions")
    sha = _commit(site, project, call, branch=branch, message=message, actions=actions)
    return Answer.json(_commit_detail(site, project, sha, stats=flag(call.data.get("stats"), default=True)), 201)


@routes.on("GET", "/projects/:id/repository/commits/:sha")
def get_commit(site: GitLab, call: Call) -> Answer:
    """Return one commit."""
    project = site.project(call)
    sha = site.commit_sha(project, call.parameters["sha"])
    return Answer.json(_commit_detail(site, project, sha, stats=flag(call.one("stats", "true"))))


@routes.on("GET", "/projects/:id/repository/commits/:sha/diff")
def get_commit_diff(site: GitLab, call: Call) -> Answer:
    """Return what a commit changed."""
    project = site.project(call)
    commit = site.repository(project).commit(site.commit_sha(project, call.parameters["sha"]))
    differences = site.repository(project).differences(commit.first_parent, commit.sha)
    return page(call, [difference_json(difference) for difference in differences])


@routes.on("GET", "/projects/:id/repository/commits/:sha/refs")
def get_commit_refs(site: GitLab, call: Call) -> Answer:
    """List branches and tags that contain a commit."""
    project = site.project(call)
    repository = site.repository(project)
    sha = site.commit_sha(project, call.parameters["sha"])
    wanted = call.one("type", "all")
    refs = []
    for name, head in repository.refs().items():
        kind = "branch" if name.startswith("refs/heads/") else "tag"
        if wanted in {"all", kind} and repository.merge_base(sha, head) == sha:
            refs.append({"type": kind, "name": name.split("/", 2)[2]})
    return page(call, refs)


@routes.on("POST", "/projects/:id/repository/commits/:sha/revert")
def revert_commit(site: GitLab, call: Call) -> Answer:
    """Undo a commit on a branch."""
    project = site.project(call)
    sha = site.commit_sha(project, call.parameters["sha"])
    (branch,) = required(call, "branch")
    repository = site.repository(project)
    if repository.branch(branch) is None:
        raise Problem(404, {"message": "404 Branch Not Found"})
    if flag(call.data.get("dry_run")):
        return Answer.json({"dry_run": "success"})
    with site.documents.lock, site.pushes.watch(project, call.user["id"]):
        made = repository.revert(branch, sha, site.person(call.user), site.clock())
    if made is None:
        explained = (
            "Sorry, we cannot revert this commit automatically. This commit may already have been reverted, "
            "or a more recent commit may have updated some of its content."
        )
        raise Problem(400, {"message": explained, "error_code": "conflict"})
    return Answer.json(site.commit_json(project, repository.commit(made)), 201)


@routes.on("GET", "/projects/:id/repository/compare")
def compare(site: GitLab, call: Call) -> Answer:
    """Compare two refs from their merge base."""
    project = site.project(call)
    first, last = required(call, "from", "to")
    old, new = (site.commit_sha(project, ref, "404 Ref Not Found") for ref in (first, last))
    repository = site.repository(project)
    base = old if flag(call.one("straight")) else repository.merge_base(old, new) or old
    commits = repository.log(f"{old}..{new}", limit=MOST_COMMITS)
    shown = [site.commit_json(project, commit) for commit in reversed(commits)]
    return Answer.json(
        {
            "commit": shown[-1] if shown else None,
            "commits": shown,
            "diffs": [difference_json(difference) for difference in repository.differences(base, new)],
            "compare_timeout": False,
            "compare_same_ref": old == new,
            "web_url": f"{site.project_url(project)}/-/compare/{first}...{last}",
        }
    )


@routes.on("GET", "/projects/:id/repository/tree")
def tree(site: GitLab, call: Call) -> Answer:
    """List a folder."""
    project = site.project(call)
    sha = site.commit_sha(project, call.one("ref", "main"), "404 Tree Not Found")
    rows = site.repository(project).tree(sha, call.one("path"), recursive=flag(call.one("recursive")))
    if not rows and call.one("path"):
        raise Problem(404, {"message": "404 invalid revision or path Not Found"})
    listed = [
        {"id": blob, "name": path.rsplit("/", 1)[-1], "type": kind, "path": path, "mode": mode}
        for mode, kind, blob, path in sorted(rows, key=lambda row: (row[1] != "tree", row[3]))
    ]
    return page(call, listed)


@routes.on("GET", "/projects/:id/repository/files/:file")
def get_file(site: GitLab, call: Call) -> Answer:
    """Return a file's facts and content."""
    project, path = site.project(call), call.parameters["file"]
    (ref,) = required(call, "ref")
    sha, content = _file(site, project, path, ref)
    repository = site.repository(project)
    last = repository.log(sha, path, 1)[0].sha
    facts = {
        "file_name": path.rsplit("/", 1)[-1],
        "file_path": path,
        "size": len(content),
        "encoding": "base64",
        "content_sha256": hashlib.sha256(content).hexdigest(),
        "ref": ref,
        "blob_id": hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest(),
        "commit_id": sha,
        "last_commit_id": last,
        "execute_filemode": any(
            row[0] == "100755" for row in repository.tree(sha, path.rpartition("/")[0]) if row[3] == path
        ),
    }
    headers = {
        f"x-gitlab-{key.replace('_', '-')}": str(value).lower() if value in {True, False} else str(value)
        for key, value in facts.items()
    }
    return Answer.json({**facts, "content": base64.b64encode(content).decode()}, headers=headers)


@routes.on("GET", "/projects/:id/repository/files/:file/raw")
def get_raw_file(site: GitLab, call: Call) -> Answer:
    """Return a file's content."""
    project = site.project(call)
    return Answer.text(_file(site, project, call.parameters["file"], call.one("ref", "main"))[1])


def _write_file(site: GitLab, call: Call, action: str) -> Answer:
    project, path = site.project(call), call.parameters["file"]
    branch, message = required(call, "branch", "commit_message")
    step = {**call.data, "action": action, "file_path": path}
    _commit(site, project, call, branch=branch, message=message, actions=[step])
    if action == "delete":
        return Answer(204)
    return Answer.json({"file_path": path, "branch": branch}, 201 if action == "create" else 200)


@routes.on("POST", "/projects/:id/repository/files/:file")
def create_file(site: GitLab, call: Call) -> Answer:
    """Create a file."""
    return _write_file(site, call, "create")


@routes.on("PUT", "/projects/:id/repository/files/:file")
def update_file(site: GitLab, call: Call) -> Answer:
    """Change a file."""
    return _write_file(site, call, "update")


@routes.on("DELETE", "/projects/:id/repository/files/:file")
def delete_file(site: GitLab, call: Call) -> Answer:
    """Remove a file."""
    return _write_file(site, call, "delete")


def difference_json(difference: Difference) -> Json:
    """Return one file's change as GitLab answers it."""
    return {
        "diff": difference.patch,
        "new_path": difference.new_path,
        "old_path": difference.old_path,
        "a_mode": difference.old_mode,
        "b_mode": difference.new_mode,
        "new_file": difference.old_mode == "0",
        "renamed_file": difference.old_path != difference.new_path,
        "deleted_file": difference.new_mode == "0",
        "generated_file": False,
    }


def _branch_json(site: GitLab, project: Json, name: str, commit: Commit) -> Json:
    protected = site.documents.get("gitlab_protected_branch", f"{project['id']}/{name}") is not None
    return {
        "name": name,
        "commit": site.commit_json(project, commit),
        "merged": False,
        "protected": protected,
        "developers_can_push": False,
        "developers_can_merge": False,
        "can_push": True,
        "default": name == "main",
        "web_url": f"{site.project_url(project)}/-/tree/{name}",
    }


def _tag_json(site: GitLab, project: Json, tag: Tag, commit: Commit) -> Json:
    release = site.documents.get("gitlab_release", f"{project['id']}/{tag.name}")
    return {
        "name": tag.name,
        "message": tag.message,
        "target": tag.target,
        "commit": site.commit_json(project, commit),
        "release": {"tag_name": tag.name, "description": release["description"]} if release else None,
        "protected": False,
        "created_at": tag.created if tag.message else None,
    }


def _tag(repository: Repository, name: str) -> Tag:
    for tag in repository.tags():
        if tag.name == name:
            return tag
    raise Problem(404, {"message": "404 Tag Not Found"})


def _matches(name: str, search: str) -> bool:
    start, end = search.startswith("^"), search.endswith("$") and bool(search)
    text = search.strip("^$")
    return (name.startswith(text) if start else True) and (name.endswith(text) if end else True) and text in name


def _commit_detail(site: GitLab, project: Json, sha: str, *, stats: bool) -> Json:
    repository = site.repository(project)
    commit = repository.commit(sha)
    detail = site.commit_json(project, commit) | {"status": None, "project_id": project["id"], "last_pipeline": None}
    if stats:
        lines = [
            line
            for difference in repository.differences(commit.first_parent, sha)
            for line in difference.patch.splitlines()
        ]
        added = sum(line.startswith("+") for line in lines)
        removed = sum(line.startswith("-") for line in lines)
        detail["stats"] = {"additions": added, "deletions": removed, "total": added + removed}
    return detail


def _file(site: GitLab, project: Json, path: str, ref: str) -> tuple[str, bytes]:
    sha = site.commit_sha(project, "main" if ref == "HEAD" else ref)
    content = site.repository(project).read(sha, path)
    if content is None:
        raise Problem(404, {"message": "404 File Not Found"})
    return sha, content


def _commit(site: GitLab, project: Json, call: Call, *, branch: str, message: str, actions: list[Json]) -> str:
    repository = site.repository(project)
    with site.documents.lock:
        head = repository.branch(branch)
        parent = head
        start = call.data.get("start_sha") or call.data.get("start_branch")
        if start and (head is None or flag(call.data.get("force"))):
            parent = repository.resolve(str(start))
            if parent is None:
                raise Problem(400, {"message": f"Cannot find start ref {start}"})
        elif start and start != branch:
            raise Problem(
                400,
                {
                    "message": f"A branch called '{branch}' already exists. Switch to that branch in order to make changes"
                },
            )
        if parent is None:
            raise Problem(400, {"message": "You can only create or edit files when you are on a branch"})
        changes = [change for action in actions for change in _changes(repository, parent, action)]
        author = site.person(call.user)
        with site.pushes.watch(project, call.user["id"]):
            return repository.write(branch, parent, changes, message=message, author=author, when=site.clock())


def _changes(repository: Repository, parent: str, action: Json) -> list[Change]:
    kind, path = str(action.get("action", "")), str(action.get("file_path", ""))
    if kind not in {"create", "update", "delete", "move", "chmod"}:
        raise Problem(400, {"error": "actions[0][action] does not have a valid value"})
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise Problem(
            400, {"message": "Path cannot include directory traversal" if path else "You must provide a file path"}
        )
    source = str(action.get("previous_path") or path)
    found = repository.read(parent, source)
    if kind == "create":
        if found is not None:
            raise Problem(400, {"message": "A file with this name already exists"})
        return [Change(path, _content(action), flag(action.get("execute_filemode")))]
    if found is None:
        raise Problem(400, {"message": "A file with this name doesn't exist"})
    expected = action.get("last_commit_id")
    if kind == "update" and expected and is_sha(str(expected)) and repository.log(parent, path, 1)[0].sha != expected:
        stale = "You are attempting to update a file that has changed since you started editing it."
        raise Problem(400, {"message": stale})
    executable = flag(action.get("execute_filemode"), default=_is_executable(repository, parent, source))
    if kind == "delete":
        return [Change(path, None)]
    if kind == "move":
        content = found if action.get("content") is None else _content(action)
        return [Change(source, None), Change(path, content, executable)]
    return [Change(path, found if kind == "chmod" else _content(action), executable)]


def _is_executable(repository: Repository, ref: str, path: str) -> bool:
    return any(row[0] == "100755" and row[3] == path for row in repository.tree(ref, path.rpartition("/")[0]))


def _content(action: dict[str, Any]) -> bytes:
    content = str(action.get("content") or "")
    if action.get("encoding") != "base64":
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        raise Problem(400, {"message": "content is not valid base64"}) from None
