"""Everything behind the sandbox's server, put together: documents, both stand-ins, faults."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.sandbox import company, seed
from bot.sandbox.argocd.instance import ArgoCD
from bot.sandbox.argocd.manifests import Manifests
from bot.sandbox.argocd.workload import Behaviour, Timings
from bot.sandbox.documents import Documents
from bot.sandbox.faults import Faults
from bot.sandbox.gitlab.instance import GitLab


@dataclass(frozen=True)
class World:
    """Everything behind the server."""

    documents: Documents
    gitlab: GitLab
    argocd: ArgoCD
    faults: Faults


def found(folder: Path, clock: Callable[[], datetime], timings: Timings, url: str) -> World:
    """Return what stands in a folder; an empty one is filled with the company first.

    Args:
        folder: Where everything is kept.
        clock: The time.
        timings: How long the cluster takes for things.
        url: The server's address.
    """
    documents = Documents(folder / "sandbox.db")
    gitlab = GitLab(documents, folder, clock, lambda: f"{url}/gitlab")

    def behaviour(image: str, tag: str) -> Behaviour:
        known = company.behaviour(image, tag)
        return known or (Behaviour.HEALTHY if gitlab.has_image(image, tag) else Behaviour.NO_IMAGE)

    manifests = Manifests(gitlab.repository({"path_with_namespace": company.MANIFESTS}))
    argocd = ArgoCD(
        documents,
        manifests,
        clock=clock,
        timings=timings,
        behaviour=behaviour,
        repo_url=lambda: f"{url}/gitlab/{company.MANIFESTS}.git",
    )
    if documents.get("sandbox", "seeded") is None:
        with documents.transaction():
            seed.gitlab(gitlab)
            seed.argocd(argocd, documents)
            documents.put("sandbox", "seeded", {"at": gitlab.now})
    return World(documents, gitlab, argocd, Faults())
