"""Lanternshop, the company of the sandbox: its services and what runs where, its people and teams.

Two versions of checkout are bad on purpose: **v1.5.0** starts and then crashes, **v1.5.1** never becomes ready.
"""

from dataclasses import dataclass, field

from bot.sandbox.argocd.workload import Behaviour

GROUP = "shop"
REGISTRY = "registry.lanternshop.example"
MANIFESTS = f"{GROUP}/manifests"
ENVIRONMENTS = ("development", "staging", "production")


@dataclass(frozen=True)
class Release:
    """A version of a service, and what it brought."""

    version: str
    notes: str
    behaviour: Behaviour = Behaviour.HEALTHY


@dataclass(frozen=True)
class Service:
    """A service: releases oldest first, and the version in each environment."""

    name: str
    description: str
    owner: str
    aliases: tuple[str, ...]
    releases: tuple[Release, ...]
    running: dict[str, str]
    strategy: str = "rolling"
    """rolling (a Deployment), canary or blue-green (a Rollout)."""
    helm: bool = False

    @property
    def project(self) -> str:
        """Its GitLab project."""
        return f"{GROUP}/{self.name}"

    @property
    def image(self) -> str:
        """Its image, without a tag."""
        return f"{REGISTRY}/{GROUP}/{self.name}"

    def manifest(self, environment: str) -> str:
        """Return the file of the manifests repository that holds the version."""
        return f"apps/{self.name}/{environment}/{'values.yaml' if self.helm else 'kustomization.yaml'}"


@dataclass(frozen=True)
class Person:
    """Somebody at the company."""

    name: str
    full_name: str
    role: str
    access_level: int
    teams: tuple[str, ...] = field(default=())

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.name}@lanternshop.example"


PEOPLE = (
    Person("vic", "Vic Moreau", "viewer", 20),
    Person("sam", "Sam Okafor", "developer", 30, ("payments",)),
    Person("lena", "Lena Fischer", "senior_dev", 30, ("discovery",)),
    Person("dana", "Dana Petrov", "devops", 40, ("platform",)),
    Person("erin", "Erin Walsh", "devops", 40, ("platform",)),
    Person("ada", "Ada Nakamura", "admin", 50),
)

TEAMS = ("payments", "discovery", "platform")

BOT = Person("shipmate", "Shipmate", "bot", 40)


def _running(development: str, staging: str, production: str) -> dict[str, str]:
    return {"development": development, "staging": staging, "production": production}


SERVICES = (
    Service(
        "checkout",
        "Turns a basket into an order.",
        "payments",
        ("checkout-service", "kasse"),
        (
            Release("v1.3.9", "Round totals half up, as the tax office asks."),
            Release("v1.4.0", "Vouchers for a share of the total."),
            Release("v1.4.1", "A voucher never makes a total negative."),
            Release("v1.4.2", "Free delivery counts after vouchers."),
            Release("v1.5.0", "Totals come from a cache.", Behaviour.TURNS_UNHEALTHY),
            Release("v1.5.1", "The cache is filled at start.", Behaviour.NEVER_READY),
        ),
        _running("v1.4.2", "v1.4.1", "v1.4.0"),
    ),
    Service(
        "ledger-writer",
        "Writes every order into the books, once.",
        "payments",
        ("ledger", "books"),
        (
            Release("v2.1.3", "Entries carry their order's id."),
            Release("v2.1.4", "A repeated order is written once."),
            Release("v2.2.0", "Refunds are entries of their own."),
            Release("v2.2.1", "Entries are balanced before they are written."),
        ),
        _running("v2.2.1", "v2.2.0", "v2.1.4"),
    ),
    Service(
        "payments",
        "Talks to card and bank providers.",
        "payments",
        ("payment", "pay"),
        (
            Release("v0.9.4", "Card numbers are masked in logs."),
            Release("v1.0.0", "Bank transfers."),
            Release("v1.0.1", "A declined card says why."),
        ),
        _running("v1.0.1", "v1.0.1", "v1.0.0"),
    ),
    Service(
        "catalog",
        "Knows every lantern, its price and its stock.",
        "discovery",
        ("catalogue", "products"),
        (
            Release("v3.1.0", "Prices by currency."),
            Release("v3.1.1", "Sold-out articles stay listed."),
            Release("v3.2.0", "Bundles of articles."),
        ),
        _running("v3.2.0", "v3.1.1", "v3.1.1"),
    ),
    Service(
        "search",
        "Finds lanterns by words.",
        "discovery",
        ("finder",),
        (
            Release("v5.3.0", "Words may be misspelt by one letter."),
            Release("v5.4.0", "Newer articles rank higher."),
            Release("v5.4.1", "Accents make no difference."),
        ),
        _running("v5.4.1", "v5.4.0", "v5.4.0"),
        strategy="canary",
    ),
    Service(
        "web-frontend",
        "The shop's pages.",
        "platform",
        ("frontend", "web", "shop"),
        (
            Release("v8.0.2", "Pages name their language."),
            Release("v8.1.0", "A basket in the corner of every page."),
            Release("v8.1.1", "Prices are escaped like every other text."),
        ),
        _running("v8.1.1", "v8.1.0", "v8.1.0"),
        strategy="blue-green",
    ),
    Service(
        "notifications",
        "Writes to customers: order received, lantern on its way.",
        "platform",
        ("notifier", "mailer"),
        (
            Release("v1.1.0", "Letters greet by name."),
            Release("v1.2.0", "Quiet hours."),
            Release("v1.2.1", "Quiet hours follow the customer's clock."),
        ),
        _running("v1.2.1", "v1.2.0", "v1.1.0"),
        helm=True,
    ),
)


def behaviour(image: str, tag: str) -> Behaviour | None:
    """Return what becomes of an image and tag once started; None for one the company never released."""
    for service in SERVICES:
        if service.image == image:
            return next((release.behaviour for release in service.releases if release.version == tag), None)
    return None
