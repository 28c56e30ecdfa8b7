"""Who a Slack user is to Shipmate: a person of the configuration, a stranger, or an outsider; and their roles by group."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Generic, TypeVar

from actions.core.organization import Organization
from actions.core.people import Requester, Standing
from actions.core.ports.surroundings import Clock
from bot.surfaces.slack.client import SlackFailed, Workspaces

log = logging.getLogger("shipmate.slack")

V = TypeVar("V")

STRANGER = "slack:"
"""What stands before the user id in the name of somebody whom the configuration does not know."""
GROUPS_FOR = timedelta(minutes=2)
"""How long the members of a user group are believed; beyond it, and if Slack does not tell, nobody is a member."""
USERS_FOR = timedelta(minutes=10)
"""How long it is believed who in a workspace is a guest."""
MOST = 10_000


class People:
    """Knows who Slack users are.

    Args:
        organization: the configuration.
        workspaces: to ask Slack about those whom it does not know.
        clock: the time.
    """

    def __init__(self, organization: Organization, workspaces: Workspaces, clock: Clock) -> None:
        self._organization = organization
        self._workspaces = workspaces
        self._groups: _Believed[frozenset[str]] = _Believed(clock, GROUPS_FOR)
        self._members: _Believed[bool] = _Believed(clock, USERS_FOR)

    def requester(self, team: str, user: str, user_team: str = "") -> Requester:
        """The one who asks.

        Args:
            team: the workspace in which they asked.
            user: their Slack user id.
            user_team: their own workspace, where Slack told it: in shared channels it is another.
        """
        standing = self.standing(team, user, user_team)
        person = self._organization.person_by_slack(user)
        name = person.name if person is not None and standing is Standing.KNOWN else STRANGER + user
        roles = frozenset() if standing is Standing.OUTSIDER else self._roles(team, user)
        return Requester(name=name, standing=standing, roles=roles)

    def standing(self, team: str, user: str, user_team: str = "") -> Standing:
        """What somebody is to Shipmate, without their roles; arguments as `requester`."""
        if user_team and user_team != team:
            return Standing.OUTSIDER
        if self._organization.person_by_slack(user) is not None:
            return Standing.KNOWN
        return Standing.STRANGER if self._is_member(team, user) else Standing.OUTSIDER

    def user_of(self, name: str) -> str | None:
        """The Slack user id of a person; None where Slack does not know them."""
        if name.startswith(STRANGER):
            user = name.removeprefix(STRANGER)
            return user if user.isascii() and user.isalnum() else None
        person = self._organization.person(name)
        return person.slack if person else None

    def name_of(self, user: str) -> str:
        """The name of a Slack user: that of the configuration, else the id."""
        person = self._organization.person_by_slack(user)
        return person.name if person else user

    def _roles(self, team: str, user: str) -> frozenset[str]:
        return frozenset(
            str(role)
            for role, definition in self._organization.roles.items()
            for group in definition.slack_usergroups
            if user in self._group(team, group)
        )

    def _group(self, team: str, group: str) -> frozenset[str]:
        def ask() -> frozenset[str]:
            found: Any = self._workspaces.api(team).call("usergroups.users.list", usergroup=group).get("users")
            return frozenset(map(str, found or ()))

        try:
            return self._groups.get((team, group), ask)
        except SlackFailed as error:
            log.warning("the members of user group %s are not known, so none is: %s", group, error)
            return frozenset()

    def _is_member(self, team: str, user: str) -> bool:
        """Whether a user is a full member of the workspace: no guest, no bot, not of another workspace."""

        def ask() -> bool:
            found: Any = self._workspaces.api(team).call("users.info", user=user).get("user") or {}
            foreign = found.get("team_id", team) != team
            outside = ("is_restricted", "is_ultra_restricted", "is_stranger", "is_bot", "deleted")
            return not foreign and not any(found.get(flag) for flag in outside)

        try:
            return self._members.get((team, user), ask)
        except SlackFailed as error:
            log.warning("who %s is could not be asked, so they count as an outsider: %s", user, error)
            return False


class _Believed(Generic[V]):
    """Answers that are believed for a time, the oldest of too many forgotten."""

    def __init__(self, clock: Clock, time: timedelta) -> None:
        self._clock = clock
        self._time = time
        self._lock = Lock()
        self._known: OrderedDict[Hashable, tuple[datetime, V]] = OrderedDict()

    def get(self, key: Hashable, ask: Callable[[], V]) -> V:
        """The answer; asked anew where it is too old. What `ask` raises is raised."""
        now = self._clock.now()
        with self._lock:
            known = self._known.get(key)
        if known is not None and now - known[0] < self._time:
            return known[1]
        found = ask()
        with self._lock:
            self._known[key] = (now, found)
            self._known.move_to_end(key)
            while len(self._known) > MOST:
                self._known.popitem(last=False)
        return found
