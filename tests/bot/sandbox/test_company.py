"""What the company promises to those who try Shipmate on it."""

from bot.configuration import parse
from bot.sandbox import company, configuration
from bot.sandbox.argocd.workload import Behaviour


def test_the_configuration_is_one_that_shipmate_accepts() -> None:
    organization = parse(configuration.text())
    assert [service.name for service in organization.services] == [service.name for service in company.SERVICES]
    assert {person.name: person.roles[0] for person in organization.people} == {
        "vic": "viewer",
        "sam": "developer",
        "lena": "senior_dev",
        "dana": "devops",
        "erin": "devops",
        "ada": "admin",
    }


def test_checkout_has_one_version_that_crashes_and_one_that_never_gets_ready() -> None:
    image = company.SERVICES[0].image
    assert company.behaviour(image, "v1.4.2") is Behaviour.HEALTHY
    assert company.behaviour(image, "v1.5.0") is Behaviour.TURNS_UNHEALTHY
    assert company.behaviour(image, "v1.5.1") is Behaviour.NEVER_READY


def test_development_is_ahead_of_staging_and_staging_of_production() -> None:
    for service in company.SERVICES:
        order = [release.version for release in service.releases]
        places = [order.index(service.running[environment]) for environment in company.ENVIRONMENTS]
        assert places == sorted(places, reverse=True)
