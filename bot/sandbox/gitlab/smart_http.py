"""git's smart HTTP protocol: clone from and push to the repositories, with a token as the password."""

import base64
import binascii
import gzip
import re
import subprocess

from bot.sandbox.gitlab.instance import GitLab
from bot.sandbox.repository import ENVIRONMENT
from bot.sandbox.web import Answer, Call, Problem

_PATH = re.compile(r"/(?P<project>[\w./-]+?)(?:\.git)?/(?P<rest>info/refs|git-upload-pack|git-receive-pack)$")
_SERVICES = {"git-upload-pack", "git-receive-pack"}
_ASK = {"www-authenticate": 'Basic realm="GitLab"', "content-type": "text/plain"}


def answer(site: GitLab, call: Call) -> Answer | None:
    """Answer a git client; None where the path is none of git's."""
    match = _PATH.match(call.path)
    if match is None:
        return None
    try:
        user = site.user_of_token(_password(call))
    except Problem:
        return Answer(401, b"HTTP Basic: Access denied.\n", _ASK)
    project = site.project_by_path(match["project"])
    advertise = match["rest"] == "info/refs"
    service = call.one("service") if advertise else match["rest"]
    if project is None or service not in _SERVICES:
        return Answer(404, b"The project you were looking for could not be found.\n", {"content-type": "text/plain"})
    repository = site.repository(project)
    if advertise:
        output = _run(service, str(repository.path), ["--advertise-refs"], b"", call)
        head = f"# service={service}\n"
        return _answer(service, "advertisement", f"{len(head) + 4:04x}{head}0000".encode() + output)
    body = gzip.decompress(call.body) if call.headers.get("content-encoding") == "gzip" else call.body
    if service == "git-upload-pack":
        return _answer(service, "result", _run(service, str(repository.path), [], body, call))
    with site.documents.lock, site.pushes.watch(project, user["id"]):
        output = _run(service, str(repository.path), [], body, call)
    return _answer(service, "result", output)


def _run(service: str, path: str, options: list[str], body: bytes, call: Call) -> bytes:
    protocol = {"GIT_PROTOCOL": call.headers["git-protocol"]} if "git-protocol" in call.headers else {}
    done = subprocess.run(  # noqa: S603 - the service is one of two, the path is a repository of ours
        ["git", service.removeprefix("git-"), "--stateless-rpc", *options, path],  # noqa: S607 - found on the fixed PATH
        input=body,
        capture_output=True,
        check=False,
        env={**ENVIRONMENT, **protocol},
    )
    return done.stdout


def _answer(service: str, kind: str, body: bytes) -> Answer:
    return Answer(200, body, {"content-type": f"application/x-{service}-{kind}", "cache-control": "no-cache"})


def _password(call: Call) -> str:
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
