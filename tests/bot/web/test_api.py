"""The HTTP API as its clients meet it, over a house of cardboard."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from pydantic import JsonValue
from starlette.testclient import TestClient

from actions import catalog
from actions.core.catalog import Catalog
from actions.core.errors import NotFound, Refused, Unreachable
from actions.core.organization import Organization
from actions.core.people import Requester
from actions.core.places import Place
from actions.core.ports.autonomy import PlaybookRecord
from actions.core.ports.language import Tokens
from actions.core.ports.messaging import Change
from actions.core.ports.usage import Spent
from actions.core.reply import Button, Reply
from actions.core.request import Origin, Request, State
from bot.tokens import UnknownToken
from bot.web import app
from bot.web.desk import Heard
from bot.wire import Answer, Words

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
THREAD = "thread-that-nobody-guesses"


class Cardboard:
    """A house that remembers what it was asked and answers with one request."""

    def __init__(self) -> None:
        self.catalog: Catalog = catalog(())
        self.organization = Organization.model_validate({"services": [{"name": "checkout"}]})
        self.asked: list[tuple[object, ...]] = []
        self.request: Request | None = None
        self.fails: Exception | None = None
        self.gone: dict[str, Exception] = {}
        self.bus: queue.Queue[Change] = queue.Queue()
        self.listening = threading.Event()
        self.looked = threading.Event()

    def person(self, token: str) -> str:
        if token != "shm_dana":
            raise UnknownToken
        return "dana"

    def hear(self, person: str, say: str, place: Place, cause: str) -> Heard:
        return self._heard(person, say, place, cause)

    def ask(self, person: str, action: str, parameters: dict[str, JsonValue], place: Place, cause: str) -> Heard:
        return self._heard(person, action, parameters, place, cause)

    def press(self, person: str, offer: str, fields: dict[str, JsonValue], place: Place, cause: str) -> Heard:
        return self._heard(person, offer, fields, place, cause)

    def look(self, person: str, request_id: str) -> Heard:
        if self.request is None or self.request.id != request_id:
            raise NotFound("Shipmate", f"There is no request {request_id}.")
        heard = self._heard(person, request_id)
        self.looked.set()
        return heard

    @contextmanager
    def changes(self) -> Iterator[Callable[[float], Change | None]]:
        def listen(seconds: float) -> Change | None:
            try:
                return self.bus.get(timeout=min(seconds, 0.05))
            except queue.Empty:
                return None

        self.listening.set()
        yield listen

    def checks(self) -> Mapping[str, Callable[[], object]]:
        def check(name: str) -> Callable[[], object]:
            def call() -> None:
                if name in self.gone:
                    raise self.gone[name]

            return call

        return {"database": check("database"), "redis": check("redis")}

    def records(self) -> Sequence[PlaybookRecord]:
        return [
            PlaybookRecord(playbook="pb-dep-001", attempts=3, verified=2, failed=1, seconds_saved=600.0, compared=1)
        ]

    def usage(self) -> tuple[Spent, float | None]:
        return Spent(answers=3, tokens=Tokens(input=70, output=30), cost=2_500_000), 0.5

    def new_id(self) -> str:
        return f"made-up-identifier-{len(self.asked)}"

    def _heard(self, *asked: object) -> Heard:
        self.asked.append(asked)
        if self.fails:
            raise self.fails
        reply = Reply(title="Deploying", buttons=(Button(label="Cancel", action="cancel"),))
        return Heard("request", reply, ("o-1",), self.request)


def running(version: int = 1, state: State = State.RUNNING) -> Request:
    return Request(
        id="R-1",
        version=version,
        action="deploy",
        requester=Requester(name="dana"),
        place=Place(surface="terminal", thread=THREAD),
        cause="c",
        origin=Origin.GRAMMAR,
        state=state,
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.fixture
def house() -> Cardboard:
    return Cardboard()


@pytest.fixture
def client(house: Cardboard) -> Iterator[TestClient]:
    with TestClient(
        app.build(house, version="0"), raise_server_exceptions=False, headers={"Authorization": "Bearer shm_dana"}
    ) as client:
        yield client


def test_what_is_said_is_heard_with_its_person_place_and_cause(client: TestClient, house: Cardboard) -> None:
    house.request = running()
    body = {"say": "deploy checkout", "thread": THREAD, "surface": "terminal"}
    got = client.post("/api/v1/chat", json=body, headers={"Idempotency-Key": "k1"})
    answer = Answer.model_validate_json(got.content)
    place = Place(surface="terminal", channel="api", thread=THREAD)
    assert house.asked == [("dana", "deploy checkout", place, "api/dana/chat/k1")]
    assert (answer.reply.title, answer.offers, answer.settled) == ("Deploying", ("o-1",), False)
    assert answer.request is not None
    assert answer.request.id == "R-1"


def test_a_new_thread_gets_an_identifier(client: TestClient) -> None:
    assert client.post("/api/v1/chat", json={"say": "help"}).json()["thread"].startswith("tmade-up-identifier")


def test_a_program_is_told_by_the_status_that_nothing_was_done(client: TestClient) -> None:
    got = client.post("/api/v1/actions/deploy", json={"parameters": {}})
    assert got.status_code == 422
    assert got.json()["error"]["message"] == "Deploying."


def test_an_action_by_its_name_and_a_button_by_its_offer(client: TestClient, house: Cardboard) -> None:
    house.request = running()
    client.post("/api/v1/actions/deploy", json={"parameters": {"service": "checkout"}})
    client.post("/api/v1/press", json={"offer": "o-1", "fields": {"reason": "no"}})
    assert [asked[1:3] for asked in house.asked] == [("deploy", {"service": "checkout"}), ("o-1", {"reason": "no"})]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic shm_dana"])
def test_without_a_token_in_force_nothing_is_told(client: TestClient, header: str, house: Cardboard) -> None:
    got = client.post("/api/v1/chat", json={"say": "help"}, headers={"Authorization": header})
    assert got.status_code == 401
    assert "shipmate token create" in got.json()["error"]["remedy"]
    assert house.asked == []


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("{", 422, "Invalid JSON"),
        ('{"say": ""}', 422, "`say`: String should have at least 1 character"),
        ('{"say": "x", "wat": 1}', 422, "`wat`: Extra inputs are not permitted"),
        ('{"say": "x", "thread": "short"}', 422, "`thread`: String should match pattern"),
        ("[1]", 422, "`body`: Input should be an object"),
        ('{"say": "' + "x" * 1_100_000 + '"}', 413, "larger than 1024 KiB"),
    ],
)
def test_an_unusable_body_is_told(client: TestClient, body: str, status: int, told: str) -> None:
    got = client.post("/api/v1/chat", content=body)
    assert (got.status_code, told in got.json()["error"]["message"]) == (status, True), got.text


def test_a_body_that_grows_beyond_the_limit_unannounced_is_refused(client: TestClient) -> None:
    got = client.post("/api/v1/chat", content=(b" " * 65_536 for _ in range(32)))
    assert got.status_code == 413


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("You cannot.", remedy="Ask."), 422),
        (Unreachable("PostgreSQL", "The database is gone."), 503),
        (NotFound("Shipmate", "No such thing."), 404),
    ],
)
def test_failures_are_a_sentence_and_a_remedy(
    client: TestClient, house: Cardboard, error: Exception, status: int
) -> None:
    house.fails = error
    got = client.post("/api/v1/chat", json={"say": "help"})
    assert got.status_code == status
    assert set(got.json()["error"]) == {"message", "remedy"}


def test_a_bug_is_told_without_its_insides(client: TestClient, house: Cardboard) -> None:
    house.fails = RuntimeError("secret insides")
    got = client.post("/api/v1/chat", json={"say": "help"})
    assert got.status_code == 500
    assert "secret insides" not in got.text


def test_pages_that_are_not_there_are_told_in_the_same_form(client: TestClient) -> None:
    assert client.get("/nowhere").json()["error"]["message"] == "Not Found."
    assert client.get("/api/v1/chat").status_code == 405
    assert "Did you mean deploy" in client.post("/api/v1/actions/deploi", json={}).json()["error"]["remedy"]


def test_a_request_is_followed_to_its_next_change(client: TestClient, house: Cardboard) -> None:
    house.request = running(version=3)
    assert house.listening.wait(2)
    answers: list[int] = []

    def follow() -> None:
        got = client.get("/api/v1/requests/r-1", params={"after_version": 3, "wait": 20})
        answers.append(got.json()["request"]["version"])

    follower = threading.Thread(target=follow)
    follower.start()
    assert house.looked.wait(5)
    house.request = running(version=4)
    house.bus.put(Change(request="R-1", version=4, surface="web", order="", at=NOW, settled=False))
    follower.join(5)
    assert answers == [4]


def test_a_wait_that_is_over_is_answered_as_things_stand(client: TestClient, house: Cardboard) -> None:
    house.request = running(version=3)
    got = client.get("/api/v1/requests/R-1", params={"after_version": 3, "wait": 0.01})
    assert got.json()["request"]["version"] == 3


def test_nobody_waits_for_what_is_final(client: TestClient, house: Cardboard) -> None:
    house.request = running(version=3, state=State.DONE)
    got = client.get("/api/v1/requests/R-1", params={"after_version": 3, "wait": 60})
    assert got.json()["request"]["settled"] is True


def test_unusable_waits_and_unknown_requests_are_told(client: TestClient) -> None:
    assert "from 0 to 60" in client.get("/api/v1/requests/R-1?wait=soon").json()["error"]["message"]
    assert client.get("/api/v1/requests/R-1?wait=61").status_code == 422
    assert client.get("/api/v1/requests/R-9").status_code == 404


def test_the_vocabulary_is_verbs_and_names(client: TestClient) -> None:
    words = Words.model_validate_json(client.get("/api/v1/vocabulary").content)
    deploy = next(verb for verb in words.verbs if verb.name == "deploy")
    assert deploy.parameters["service"] == "service"
    assert words.names["service"] == ("checkout",)


def test_the_description_names_every_public_verb_and_its_references_hold(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    public = {f"/api/v1/actions/{verb.policy.name}" for verb in catalog(()) if verb.policy.public}
    assert public <= set(described["paths"])
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    named = {part.split('"')[0] for part in json.dumps(described).split("#/components/schemas/")[1:]}
    assert named <= set(described["components"]["schemas"])


def test_readiness_names_what_is_gone(client: TestClient, house: Cardboard) -> None:
    assert client.get("/readyz").json() == {"ready": True, "checks": {"database": "ok", "redis": "ok"}}
    house.gone = {
        "redis": Unreachable("Redis", "Redis does not answer: Error 111 connecting to 10.1.2.3:6379."),
        "database": RuntimeError("insides"),
    }
    got = client.get("/readyz")
    assert got.status_code == 503
    assert got.json()["checks"] == {"database": "gone: see the log", "redis": "gone: Redis does not answer"}
    assert client.get("/healthz").status_code == 200


def test_the_log_hears_of_readiness_when_it_changes_and_not_at_every_probe(
    client: TestClient, house: Cardboard, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="bot.web.health")
    house.gone = {"redis": Unreachable("Redis", "Redis does not answer.")}
    for _ in range(5):
        client.get("/readyz")
    house.gone = {}
    for _ in range(5):
        client.get("/readyz")
    said = [record.getMessage() for record in caplog.records if record.name == "bot.web.health"]
    assert said == ["the check of redis failed: Redis does not answer.", "the check of redis passes again"]


def test_metrics_count_by_route_and_not_by_id(client: TestClient, house: Cardboard) -> None:
    house.request = running()
    client.get("/api/v1/requests/R-1")
    client.get("/nowhere/R-2")
    page = client.get("/metrics").text
    assert 'shipmate_playbook_attempts{outcome="verified",playbook="pb-dep-001"} 2.0' in page
    assert 'shipmate_playbook_saved_seconds{playbook="pb-dep-001"} 600.0' in page
    assert 'route="/api/v1/requests/{id}",status="200"' in page
    assert "R-1" not in page
    assert "shipmate_model_answers_today 3.0" in page
    assert 'shipmate_model_tokens_today{kind="output"} 30.0' in page
    assert "shipmate_model_cost_today 2.5" in page
    assert "shipmate_model_budget_used 0.5" in page
    assert page.endswith("# EOF\n")


def test_the_documentation_names_every_call(client: TestClient) -> None:
    page = Path("docs/api.md").read_text(encoding="utf-8")
    paths = {path for path in client.get("/api/v1/openapi.json").json()["paths"] if "/actions/" not in path}
    assert {path for path in paths if f"{path}`" not in page} == set()
