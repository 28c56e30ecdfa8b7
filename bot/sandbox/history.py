"""Writes the company's git history: one stream for `git fast-import` a repository, in some ten milliseconds."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot.sandbox import codebases
from bot.sandbox.company import BOT, ENVIRONMENTS, PEOPLE, SERVICES, Person, Release, Service


class Stream:
    """Commits and tags in fast-import's language."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._marks = 0

    def commit(self, files: dict[str, str], message: str, author: Person, when: datetime) -> int:
        """Add a commit on main and return its mark."""
        self._marks += 1
        stamp = f"{author.full_name} <{author.email}> {int(when.timestamp())} +0000"
        self._add(f"commit refs/heads/main\nmark :{self._marks}\nauthor {stamp}\ncommitter {stamp}\n")
        self._data(message)
        for path, content in sorted(files.items()):
            self._add(f"M 100644 inline {path}\n")
            self._data(content)
        return self._marks

    def tag(self, name: str, mark: int, message: str, author: Person, when: datetime) -> None:
        """Add an annotated tag."""
        self._add(
            f"tag {name}\nfrom :{mark}\ntagger {author.full_name} <{author.email}> {int(when.timestamp())} +0000\n"
        )
        self._data(message)

    def bytes(self) -> bytes:
        """Return the whole stream."""
        return b"".join(self._parts)

    def _add(self, text: str) -> None:
        self._parts.append(text.encode())

    def _data(self, text: str) -> None:
        data = text.encode()
        self._parts += [f"data {len(data)}\n".encode(), data, b"\n"]


def service_stream(service: Service, now: datetime) -> bytes:
    """Return the history of a service: its code, a change or two a release, a tag for each."""
    stream = Stream()
    authors = [person for person in PEOPLE if service.owner in person.teams] or [PEOPLE[1]]
    when = released_at(service, 0, now) - timedelta(days=2)
    stream.commit(
        codebases.files(service) | {"VERSION": "v0.0.0\n", "CHANGELOG.md": "# Changes\n"},
        f"Begin {service.name}",
        authors[0],
        when,
    )
    changes: list[str] = []
    for index, release in enumerate(service.releases):
        author, when = authors[index % len(authors)], released_at(service, index, now)
        changes.insert(0, f"- {release.notes}\n")
        log = "# Changes\n\n" + "".join(changes)
        stream.commit(
            {"CHANGELOG.md": log},
            f"{release.notes.rstrip('.')}\n\nSee CHANGELOG.md.",
            author,
            when - timedelta(hours=3),
        )
        mark = stream.commit({"VERSION": f"{release.version}\n"}, f"Release {release.version}", author, when)
        stream.tag(release.version, mark, release.notes, author, when)
    return stream.bytes()


def released_at(service: Service, index: int, now: datetime) -> datetime:
    """Return when a release was made: the newest a day ago, each other four days before the next."""
    return now - timedelta(days=1 + 4 * (len(service.releases) - 1 - index), hours=len(service.name))


def manifests_stream(now: datetime) -> bytes:
    """Return the history of the manifests repository: the beginning, then every deployment there was."""
    stream = Stream()
    first: dict[str, str] = {
        "README.md": "# manifests\n\nWhat runs where. Argo CD follows `main`; Shipmate commits here.\n"
    }
    deployments: list[tuple[datetime, Service, str, Release]] = []
    for service in SERVICES:
        first |= _base(service)
        for place, environment in enumerate(ENVIRONMENTS):
            first[service.manifest(environment)] = overlay(service, environment, service.releases[0].version)
            for index, release in enumerate(deployed(service, environment)):
                when = released_at(service, index + 1, now) + timedelta(hours=2 + 20 * place)
                deployments.append((when, service, environment, release))
    stream.commit(first, "Begin the manifests", PEOPLE[3], now - timedelta(days=40))
    for when, service, environment, release in sorted(deployments, key=lambda entry: entry[0]):
        content = overlay(service, environment, release.version)
        stream.commit(
            {service.manifest(environment): content},
            f"Deploy {service.name} {release.version} to {environment}",
            BOT,
            min(when, now),
        )
    return stream.bytes()


def deployed(service: Service, environment: str) -> Iterable[Release]:
    """Return what was deployed to an environment since the beginning, up to what runs there."""
    for release in service.releases[1:]:
        if service.running[environment] == service.releases[0].version:
            return
        yield release
        if release.version == service.running[environment]:
            return


def _base(service: Service) -> dict[str, str]:
    folder = f"apps/{service.name}"
    if service.helm:
        return {
            f"{folder}/chart/Chart.yaml": f"apiVersion: v2\nname: {service.name}\nversion: 0.1.0\n",
            f"{folder}/chart/templates/deployment.yaml": _HELM,
        }
    kind, api, strategy = {
        "rolling": ("Deployment", "apps/v1", ""),
        "canary": ("Rollout", "argoproj.io/v1alpha1", _CANARY),
        "blue-green": ("Rollout", "argoproj.io/v1alpha1", _BLUE_GREEN.format(name=service.name)),
    }[service.strategy]
    return {
        f"{folder}/base/kustomization.yaml": "resources:\n  - workload.yaml\n  - service.yaml\n",
        f"{folder}/base/workload.yaml": _WORKLOAD.format(
            api=api, kind=kind, name=service.name, image=service.image, strategy=strategy
        ),
        f"{folder}/base/service.yaml": _SERVICE.format(name=service.name),
    }


def overlay(service: Service, environment: str, version: str) -> str:
    """Return the file that holds the version of a service in an environment."""
    form = _VALUES if service.helm else _KUSTOMIZATION
    return form.format(
        name=service.name, environment=environment, image=service.image, version=version, owner=service.owner
    )


_KUSTOMIZATION = """\
# {name} in {environment}. Owned by {owner}.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop-{environment}

resources:
  - ../base

images:
  # newTag is the only line a deployment changes.
  - name: {image}
    newTag: {version}  # keep in step with the release notes
"""

_VALUES = """\
# {name} in {environment}. Owned by {owner}.
replicaCount: 2

image:
  repository: {image}
  # tag is the only line a deployment changes.
  tag: {version}
  pullPolicy: IfNotPresent

resources:
  requests: {{cpu: 50m, memory: 64Mi}}
"""

_WORKLOAD = """\
apiVersion: {api}
kind: {kind}
metadata:
  name: {name}
spec:
  replicas: 4
  selector:
    matchLabels: {{app: {name}}}
{strategy}  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      containers:
        - name: {name}
          image: {image}
"""

_CANARY = """\
  strategy:
    canary:
      steps:
        - setWeight: 25
        - pause: {duration: 500ms}
        - setWeight: 50
        - pause: {duration: 500ms}
"""

_BLUE_GREEN = """\
  strategy:
    blueGreen:
      activeService: {name}
      previewService: {name}-preview
      # Somebody looks at the preview first.
      autoPromotionEnabled: false
"""

_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 8080}}]
"""

_HELM = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Chart.Name }}
spec:
  replicas: {{ .Values.replicaCount }}
  template:
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
"""
