from __future__ import annotations

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from cli.paths import DATASETS
from cli.target import Where
from console.app import application
from console.gate import KEY_FIELD
from console.server import names_of
from console.workspace import Console
from tests.console.conftest import OpenConsole, over
from tests.console.service import Service, executions

KEY = "a-key-of-some-length"
OURS = ["127.0.0.1", "127.0.0.1:8080", "localhost:1", "LOCALHOST", "[::1]", "[::1]:8080"]
NOT_OURS = [
    "evil.example",
    "127.0.0.1.evil.example",
    "evil.example:80",
    "127.0.0.1@evil.example",
    "evil.example@127.0.0.1",
    "evil.example#127.0.0.1",
    "evil.example/127.0.0.1",
    "127.0.0.1:x",
    "[::2]",
    "[",
    "::1",
    "",
    "127.0.0.1, evil.example",
]


@pytest.mark.parametrize("host", OURS)
def test_a_console_answers_by_its_own_names(open_console: OpenConsole, host: str) -> None:
    answer = open_console(over(Service())).get("/executions", headers={"host": host})

    assert answer.status_code == 200


@pytest.mark.parametrize("host", NOT_OURS)
def test_a_console_answers_by_no_other_name(open_console: OpenConsole, host: str) -> None:
    answer = open_console(over(executions(2))).get("/executions", headers={"host": host})

    assert answer.status_code == 421
    assert "does not answer by the name" in answer.text
    assert "day-0001" not in answer.text


@pytest.mark.parametrize("path", ["/executions", "/nowhere", "/static/console.css", "/"])
def test_every_answer_keeps_pages_to_what_is_theirs(open_console: OpenConsole, path: str) -> None:
    answer = open_console(over(Service())).get(path)

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_pages_are_kept_by_no_cache(open_console: OpenConsole) -> None:
    assert open_console(over(Service())).get("/executions").headers["cache-control"] == "no-store"


def test_a_head_has_no_body(open_console: OpenConsole) -> None:
    answer = open_console(over(Service())).head("/executions")

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", ["/executions", "/dead-letters", "/", "/nowhere"])
def test_without_the_key_nothing_is_told(open_console: OpenConsole, path: str) -> None:
    client = open_console(over(executions(2)), key=KEY)

    for answer in (client.get(path), client.post(path), client.get(f"{path}?key=wrong")):
        assert answer.status_code == 403
        assert "pipeline console" in answer.text
        assert "day-0001" not in answer.text


@pytest.mark.parametrize("value", [b"wrong", b"w\xf6\xffng", b'""', b""])
def test_a_wrong_cookie_is_no_key(open_console: OpenConsole, value: bytes) -> None:
    client = open_console(over(executions(2)), key=KEY)
    client.get("/", params={KEY_FIELD: KEY})
    [name] = client.cookies
    client.cookies.clear()

    answer = client.get("/executions", headers={b"cookie": name.encode() + b"=" + value})

    assert answer.status_code == 403


def test_the_key_opens_the_console_once_and_leaves_the_address(open_console: OpenConsole) -> None:
    client = open_console(over(executions(2)), key=KEY)

    # WHEN the address is opened that was printed
    answer = client.get("/executions", params={"q": "a b", KEY_FIELD: KEY, "page": "1"})

    # THEN the key goes into a cookie that no script and no other site can use
    assert answer.status_code == 303
    assert answer.headers["location"] == "/executions?q=a+b&page=1"
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/executions").status_code == 200


@pytest.mark.parametrize("path", ["//evil.example/x", "///evil.example/x"])
def test_an_address_does_not_lead_elsewhere(open_console: OpenConsole, path: str) -> None:
    client = open_console(over(Service()), key=KEY)

    answer = client.get(f"http://127.0.0.1{path}?key={KEY}")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/evil.example/x"


def test_where_any_name_may_lead_here_the_key_decides() -> None:
    console = Console(
        Where(region="us-east-1"), DATASETS, key=KEY, opening=lambda _where: over(executions(2))
    )
    client = TestClient(application(console, None), base_url="http://any.example")

    assert client.get("/executions").status_code == 403
    assert client.get("/executions", params={KEY_FIELD: KEY}).status_code == 200
    console.workspace().index.stop()


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("127.0.0.1", {"127.0.0.1", "localhost", "::1"}),
        ("::1", {"127.0.0.1", "localhost", "::1"}),
        ("Box.lan", {"127.0.0.1", "localhost", "::1", "box.lan"}),
        ("0.0.0.0", None),
        ("::", None),
    ],
)
def test_a_server_is_called_by_what_it_listens_on(host: str, names: set[str] | None) -> None:
    known = names_of(host)

    assert (known if known is None else set(known)) == names


def test_a_key_brings_nothing_with_a_post(open_console: OpenConsole) -> None:
    client = open_console(over(Service()), key=KEY)

    assert client.post(f"/executions?key={KEY}").status_code == 403


@pytest.mark.parametrize("path", ["/static/console.css", "/sheets/palette.css"])
def test_what_everybody_can_read_needs_no_key(open_console: OpenConsole, path: str) -> None:
    client = open_console(over(Service()), key=KEY)

    assert client.get(path).status_code == 200


def test_two_consoles_on_one_machine_have_cookies_of_their_own(open_console: OpenConsole) -> None:
    names = set()
    for key in (KEY, "another"):
        client = open_console(over(Service()), key=key)
        client.get("/", params={KEY_FIELD: key})
        names.update(client.cookies)

    assert len(names) == 2


def test_every_action_is_refused_without_the_token(open_console: OpenConsole) -> None:
    """Whatever takes a POST, now or later, refuses what none of our pages has sent."""
    client = open_console(over(Service()))
    actions = [
        route.path_format
        for route in client.app.routes
        if isinstance(route, Route) and "POST" in (route.methods or ())
    ]

    assert actions
    for action in actions:
        path = action.format_map({"id": "x", "name": "x"})
        assert client.post(path, data={"token": "wrong"}).status_code == 403, path
        for elsewhere in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert client.post(path, headers=elsewhere).status_code == 403, path


def test_a_page_elsewhere_has_no_form_read(open_console: OpenConsole) -> None:
    """It may be as large as the disk that it would be kept on; this one cannot be read at all."""
    client = open_console(over(Service()))
    headers = {"origin": "http://evil.example", "content-type": "multipart/form-data"}

    assert client.post("/dead-letters/replay", content=b"x", headers=headers).status_code == 403


def test_a_form_may_name_thousands_of_letters(open_console: OpenConsole) -> None:
    chosen = {"token": "wrong", "id": [f"letter-{number}" for number in range(5000)]}

    assert (
        open_console(over(Service())).post("/dead-letters/discard", data=chosen).status_code == 403
    )
