"""The whole GitLab stand-in as its routes see it: documents and repositories with what runs behind them."""

from collections.abc import Callable
from pathlib import Path

from bot.sandbox.documents import Documents, Json
from bot.sandbox.gitlab.deliveries import Deliveries
from bot.sandbox.gitlab.pipelines import Pipelines
from bot.sandbox.gitlab.pushes import Pushes
from bot.sandbox.gitlab.site import Clock, Site


class GitLab(Site):
    """One GitLab: projects, pipelines, webhooks."""

    def __init__(self, documents: Documents, folder: Path, clock: Clock, url: Callable[[], str]) -> None:
        super().__init__(documents, folder, clock, url)
        self.deliveries = Deliveries(documents)
        self.pipelines = Pipelines(self, self.deliveries)
        self.pipelines.on_success = self._publish_image
        self.pushes = Pushes(self, self.pipelines, self.deliveries)

    def _publish_image(self, project: Json, pipeline: Json) -> None:
        # As in most companies: the pipeline of a tag builds, tests and publishes the image of that version.
        if pipeline["tag"]:
            self.add_image(project, pipeline["ref"])

    def add_image(self, project: Json, tag: str) -> None:
        """Put an image of this tag into the project's registry."""
        key = f"{project['image']}:{tag}"
        entry = {"project_id": project["id"], "image": project["image"], "tag": tag, "created_at": self.now}
        self.documents.put("gitlab_image", key, entry)

    def has_image(self, image: str, tag: str) -> bool:
        """Tell whether the registry holds this image."""
        return self.documents.get("gitlab_image", f"{image}:{tag}") is not None

    def close(self) -> None:
        """End what runs behind the routes."""
        self.pipelines.close()
        self.deliveries.close()
