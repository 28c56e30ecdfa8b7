"""Writes the company's `shipmate.yaml`: what a person would write who runs Shipmate for Lanternshop."""

from bot.sandbox.company import ENVIRONMENTS, MANIFESTS, PEOPLE, SERVICES, TEAMS

_HEAD = """\
# Lanternshop, the company of the sandbox. Written when the sandbox was made; change it as you like.
environments:
"""

_ALIASES = {"development": "[dev]", "staging": "[stage, stg]", "production": "[prod, live]"}


def text() -> str:
    """Return the file's content."""
    lines = [f"  - {{name: {name}, aliases: {_ALIASES[name]}, kind: {name}}}" for name in ENVIRONMENTS]
    lines += ["", "services:"]
    for service in SERVICES:
        file = service.manifest("{environment}")
        lines += [
            f"  - name: {service.name}",
            f"    aliases: [{', '.join(service.aliases)}]",
            f"    owners: [{service.owner}]",
            f"    gitlab: {{project: {service.project}}}",
            f'    argocd: {{application: "{service.name}-{{environment}}", healthy_within: 20s, healthy_for: 1s}}',
            f'    manifests: {{project: {MANIFESTS}, file: "{file}"}}',
        ]
    lines += ["", "people:"]
    lines += [
        f"  - {{name: {person.name}, slack: U0{person.name.upper()}, roles: [{person.role}]}}" for person in PEOPLE
    ]
    lines += ["", "teams:"]
    lines += [f"  - {{name: {team}, slack_channel: C0{team.upper()}}}" for team in TEAMS]
    return _HEAD + "\n".join(lines) + "\n"
