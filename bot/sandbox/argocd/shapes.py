"""How applications and their resources look in Argo CD's answers."""

import hashlib
import json

from bot.sandbox.argocd.instance import ArgoCD, View, moment
from bot.sandbox.argocd.manifests import Desired
from bot.sandbox.documents import Json

SERVER = "https://kubernetes.default.svc"
_GROUPS = {
    "Deployment": ("apps", "v1"),
    "Rollout": ("argoproj.io", "v1alpha1"),
    "Service": ("", "v1"),
    "ReplicaSet": ("apps", "v1"),
    "Pod": ("", "v1"),
}


def application_json(argocd: ArgoCD, application: Json) -> Json:
    """Return an application with its status at this moment."""
    view = argocd.view(application)
    status: Json = {
        "health": _health(view),
        "history": [_history(argocd, view, entry) for entry in application["history"]],
        "reconciledAt": moment(argocd.now()),
        "resources": [_resource_status(view, kind) for kind in _kinds(view)],
        "sourceType": "Helm" if application["values"] else "Kustomize",
        "summary": {"images": _images(view)},
        "sync": {
            "comparedTo": {"source": _source(argocd, application), "destination": _destination(application)},
            "revision": view.head,
            "status": "Unknown" if view.problem else "Synced" if view.synced else "OutOfSync",
        },
        "controllerNamespace": "argocd",
    }
    if view.problem:
        status["conditions"] = [
            {"type": "ComparisonError", "message": view.problem, "lastTransitionTime": moment(argocd.now())}
        ]
    if (operation := _shown_operation(argocd, application)) is not None:
        status["operationState"] = _operation_state(argocd, view, operation)
    shown: Json = {
        "metadata": {
            "name": application["name"],
            "namespace": "argocd",
            "uid": application["uid"],
            "resourceVersion": str(application["version"]),
            "generation": application["version"],
            "creationTimestamp": moment(application["created"]),
            "labels": application["labels"],
        },
        "spec": {
            "project": "default",
            "source": _source(argocd, application),
            "destination": _destination(application),
        },
        "status": status,
    }
    if application["automated"]:
        shown["spec"]["syncPolicy"] = {"automated": {"prune": False, "selfHeal": False}}
    current = application["operation"]
    if current is not None and current["finished"] is None:
        shown["operation"] = _operation(current)
    return shown


def _shown_operation(argocd: ArgoCD, application: Json) -> Json | None:
    # Until the controller takes a request up, the state still tells of the operation before: clients must look twice.
    current: Json | None = application["operation"]
    if (
        current is not None
        and current["finished"] is None
        and argocd.now() < current["requested"] + argocd.timings.pickup
    ):
        previous: Json | None = application["last_operation"]
        return previous
    return current


def _operation(operation: Json) -> Json:
    shown: Json = {
        "initiatedBy": {"username": operation["username"]} if operation["username"] else {"automated": True},
        "retry": {},
        "sync": {"revision": operation["revision"], "syncStrategy": {"hook": {}}},
    }
    if operation["dry_run"]:
        shown["sync"]["dryRun"] = True
    if operation["infos"]:
        shown["info"] = operation["infos"]
    return shown


def _operation_state(argocd: ArgoCD, view: View, operation: Json) -> Json:
    state: Json = {
        "operation": _operation(operation),
        "phase": operation["phase"],
        "message": operation["message"] or "waiting for healthy state of resources",
        "startedAt": moment(operation["requested"] + argocd.timings.pickup),
        "syncResult": {"revision": operation["revision"], "source": _source(argocd, view.application)},
    }
    if operation["finished"] is not None:
        state["finishedAt"] = moment(operation["finished"])
        state["syncResult"]["resources"] = [
            {
                **_identity(view, kind),
                "status": "Synced",
                "message": f"{kind.lower()} configured",
                "hookPhase": "Running",
                "syncPhase": "Sync",
            }
            for kind in _kinds(view)
            if operation["phase"] == "Succeeded"
        ]
    return state


def _history(argocd: ArgoCD, view: View, entry: Json) -> Json:
    return {
        "id": entry["id"],
        "revision": entry["revision"],
        "deployStartedAt": moment(entry["started"]),
        "deployedAt": moment(entry["deployed"]),
        "initiatedBy": {"username": entry["username"]},
        "source": _source(argocd, view.application),
    }


def _source(argocd: ArgoCD, application: Json) -> Json:
    source: Json = {"repoURL": argocd.repo_url(), "path": application["path"], "targetRevision": "main"}
    if application["values"]:
        source["helm"] = {
            "valueFiles": [f"../{application['values'].removeprefix(application['path'].rsplit('/', 1)[0] + '/')}"]
        }
    return source


def _destination(application: Json) -> Json:
    return {"server": SERVER, "namespace": application["namespace"]}


def _health(view: View) -> Json:
    # Like Argo CD, the application's own health carries no message; its resources' does.
    return {"status": view.condition.health}


def _image(live: Desired) -> str:
    return f"{live.image}:{live.tag}"


def _images(view: View) -> list[str]:
    # As with Argo CD, these are the images of the pods there are; during a rollout that is two.
    if view.live is None:
        return []
    state = view.application["state"]
    tags = {state["tag"]} if view.condition.done else {state["tag"], state["stable"]}
    return sorted(f"{view.live.image}:{tag}" for tag in tags)


def workload_name(view: View) -> str:
    """Return the name of an application's Deployment or Rollout: that of its service."""
    return str(view.application["labels"]["service"])


def _kinds(view: View) -> list[str]:
    running = view.live or view.desired
    return ["Service", running.kind] if running else []


def _identity(view: View, kind: str) -> Json:
    group, version = _GROUPS[kind]
    return {
        **({"group": group} if group else {}),
        "version": version,
        "kind": kind,
        "namespace": view.application["namespace"],
        "name": workload_name(view),
    }


def _resource_status(view: View, kind: str) -> Json:
    health: Json = {"status": "Healthy"}
    if kind != "Service":
        health = {"status": view.condition.health}
        if view.condition.message:
            health["message"] = view.condition.message
    elif view.live is None:
        health = {"status": "Missing"}
    synced = view.synced or (kind == "Service" and view.live is not None)
    return {**_identity(view, kind), "status": "Synced" if synced else "OutOfSync", "health": health}


# -- what lies below


def tree_json(view: View) -> Json:
    """Return an application's resources and what they own."""
    if view.live is None:
        return {"nodes": [], "orphanedNodes": [], "hosts": []}
    nodes = [_node(view, kind, workload_name(view)) for kind in _kinds(view)]
    nodes[-1]["health"] = _resource_status(view, view.live.kind)["health"]
    owner = nodes[-1]
    state, replicas = view.application["state"], view.live.replicas
    tags = [(state["tag"], replicas if view.condition.done else view.condition.updated)]
    if not view.condition.done and state["stable"] != state["tag"]:
        tags.append((state["stable"], view.condition.ready))
    for tag, pods in tags:
        name = f"{workload_name(view)}-{_pod_hash(view, tag)}"
        replica_set = _node(view, "ReplicaSet", name, owner) | {"images": [f"{view.live.image}:{tag}"]}
        replica_set["info"] = [
            {
                "name": "Revision",
                "value": f"Rev:{state['generation'] if tag == state['tag'] else state['generation'] - 1}",
            }
        ]
        healthy = tag != state["tag"] or view.condition.health in {"Healthy", "Suspended"}
        health = {"status": "Healthy" if healthy else view.condition.health}
        replica_set["health"] = health
        nodes.append(replica_set)
        nodes += [
            _node(view, "Pod", f"{name}-{index:05d}", replica_set)
            | {"images": [f"{view.live.image}:{tag}"], "health": health}
            for index in range(pods)
        ]
    return {"nodes": nodes, "orphanedNodes": [], "hosts": []}


def _node(view: View, kind: str, name: str, parent: Json | None = None) -> Json:
    identity = {**_identity(view, kind), "name": name}
    node: Json = {
        **identity,
        "uid": hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32],
        "resourceVersion": str(view.application["version"]),
    }
    node["createdAt"] = moment(view.application["created"])
    if parent is not None:
        node["parentRefs"] = [
            {key: parent[key] for key in ("group", "kind", "namespace", "name", "uid") if key in parent}
        ]
    return node


def _pod_hash(view: View, tag: str) -> str:
    return hashlib.sha256(f"{view.application['name']}:{tag}".encode()).hexdigest()[:10]


def managed_json(view: View) -> Json:
    """Return an application's resources as wanted and as they are."""
    items = []
    for kind in _kinds(view):
        live, wanted = manifest(view, kind), manifest(view, kind, view.desired)
        identity = {"group": "", **_identity(view, kind)}
        identity.pop("version")
        items.append(
            {
                **identity,
                "liveState": json.dumps(live) if live else "null",
                "targetState": json.dumps(wanted) if wanted else "null",
                "normalizedLiveState": json.dumps(live) if live else "null",
                "predictedLiveState": json.dumps(wanted) if wanted else "null",
                "resourceVersion": str(view.application["version"]),
                "modified": kind != "Service" and not view.synced,
            }
        )
    return {"items": items}


def manifest(view: View, kind: str, wanted: Desired | None = None) -> Json | None:
    """Return a resource's manifest: the live one with its status or, for `wanted`, the one git asks for."""
    running = wanted or view.live
    if running is None:
        return None
    name, (group, version) = workload_name(view), _GROUPS[kind]
    shown: Json = {
        "apiVersion": f"{group}/{version}" if group else version,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": view.application["namespace"],
            "labels": {"app.kubernetes.io/instance": view.application["name"]},
        },
    }
    if kind == "Service":
        shown["spec"] = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
        return shown
    containers = [{"name": name, "image": _image(running)}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}}
    shown["spec"] = {"replicas": running.replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    if running.strategy:
        shown["spec"]["strategy"] = running.strategy
    if wanted is None:
        shown["metadata"]["generation"] = view.application["state"]["generation"]
        shown["status"] = _rollout_status(view) if kind == "Rollout" else _deployment_status(view)
    return shown


def _counts(view: View) -> Json:
    current, replicas = view.condition, view.live.replicas if view.live else 0
    return {
        "replicas": replicas,
        "readyReplicas": current.ready,
        "availableReplicas": current.ready,
        "updatedReplicas": replicas if current.done else current.updated,
    }


def _deployment_status(view: View) -> Json:
    return {**_counts(view), "observedGeneration": view.application["state"]["generation"]}


def _rollout_status(view: View) -> Json:
    current, state = view.condition, view.application["state"]
    strategy = view.live.strategy if view.live else {}
    new = _pod_hash(view, state["tag"])
    stable = new if current.done else _pod_hash(view, state["stable"])
    status: Json = {
        **_counts(view),
        "phase": current.phase,
        "message": current.message,
        "observedGeneration": str(state["generation"]),
        "currentPodHash": new,
        "stableRS": stable,
        "abort": state["aborted"] is not None,
    }
    if current.phase == "Paused":
        status["controllerPause"] = bool(current.pause)
        if current.pause:
            status["pauseConditions"] = [{"reason": current.pause, "startTime": moment(current.pause_since)}]
    if "canary" in strategy:
        status["currentStepIndex"] = current.step
        weights = {
            "canary": {"weight": current.weight, "podTemplateHash": new},
            "stable": {"weight": 100 - current.weight, "podTemplateHash": stable},
        }
        status["canary"] = {"weights": weights}
    if "blueGreen" in strategy:
        status["blueGreen"] = {"activeSelector": stable, "previewSelector": new}
    return status
