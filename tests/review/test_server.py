"""The server of a review: who is let in, what is asked and answered, what goes wrong is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx")

from vnlp_prep import Preprocessor  # noqa: E402
from vnlp_prep.edits import Edit  # noqa: E402
from vnlp_prep.review.decisions import Decisions  # noqa: E402
from vnlp_prep.review.groups import Groups, Place  # noqa: E402
from vnlp_prep.review.server import MAX_ROWS, Secrets, cookie_name, create_app  # noqa: E402
from vnlp_prep.review.session import MAX_TRY, Review, shown_edits  # noqa: E402

PORT = 8123
HERE = f"http://127.0.0.1:{PORT}"
CHANGES = [
    ("spelling", "known-misspelling", "recieve", "receive", 0.99, False, 3),
    ("spelling", "wrong-letter", "fkag", "flag", 0.5, True, 2),
    ("compounds", "run-together", "Makesure", "Make sure", 0.6, True, 1),
    ("html", "tag", "<b>", "", 1.0, False, 4),
]


def groups_of(changes: list[Any]) -> Groups:
    groups, line = Groups(), 0
    for stage, rule, before, after, confidence, is_suggestion, times in changes:
        for _ in range(times):
            line += 1
            edits = [Edit(stage, rule, 2, 2 + len(before), before, after, confidence)]
            groups.add(Place("a.jsonl", line, "text"), f"a {before} b", *(([], edits) if is_suggestion else (edits, [])))
    return groups


class Client:
    """A browser without a page: it speaks to the real application, and keeps its cookies."""

    def __init__(self, review: Review) -> None:
        import asyncio

        self.secrets = Secrets()
        self._app = create_app(review, self.secrets, PORT)
        self._run = asyncio.Runner()
        transport = httpx.ASGITransport(app=self._app)
        self._http = httpx.AsyncClient(transport=transport, base_url=HERE)

    def ask(self, method: str, path: str, **more: Any) -> Any:
        return self._run.run(self._http.request(method, path, **more))

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, content: Any, **headers: str) -> Any:
        headers = {"origin": HERE, "content-type": "application/json"} | headers
        return self.ask("POST", path, content=content if isinstance(content, bytes) else json.dumps(content), headers=headers)

    def open(self) -> Client:
        assert self.get(f"/?token={self.secrets.token}").status_code == 200
        return self

    def close(self) -> None:
        self._run.run(self._http.aclose())
        self._run.close()


@pytest.fixture
def review(tmp_path: Path) -> Review:
    def preprocessor(lexicon: Any) -> Preprocessor:
        return Preprocessor(lexicon=lexicon)

    return Review(groups_of(CHANGES).ranked(), Decisions(tmp_path / "d.tsv"), preprocessor, records=10)


@pytest.fixture
def client(review: Review) -> Iterator[Client]:
    client = Client(review)
    yield client
    client.close()


def number_of(client: Client, before: str) -> int:
    return next(g["number"] for g in client.get("/api/groups").json()["groups"] if g["before"] == before)


# Who is let in


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=wrong", "/page.js", "/api/groups", "/api/state", "/nothing"])
def test_nobody_without_the_secret(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert "vnlp-prep review" in answer.text


def test_a_cookie_of_another_review_does_not_open(client: Client) -> None:
    for cookie in (
        "",
        "x",
        f"{cookie_name(PORT)}=wrong",
        f"{cookie_name(PORT)}=é",
        f"{cookie_name(PORT)}={client.secrets.token}",
    ):
        assert client.ask("GET", "/api/state", headers={"cookie": cookie.encode("latin-1")}).status_code == 403


def test_the_address_opens_and_the_cookie_stays(client: Client) -> None:
    answer = client.get(f"/?token={client.secrets.token}")
    assert answer.status_code == 200
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(cookie_name(PORT) + "=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.secrets.token not in cookie
    assert client.get("/").status_code == 200
    for name in ("page.css", "page.js", "api.js", "list.js", "text.js", "try.js", "icon.svg"):
        assert client.get(f"/{name}").status_code == 200
    assert client.get("/nothing").status_code == 404
    assert client.get("/../server.py").status_code == 404


def test_the_browsers_own_address_opens_once(client: Client) -> None:
    once = client.secrets.take_once()
    assert client.get(f"/?token={once}").status_code == 200
    client._http.cookies.clear()
    assert client.get(f"/?token={once}").status_code == 403
    assert client.get(f"/?token={client.secrets.token}").status_code == 200


@pytest.mark.parametrize("host", ["example.com", "127.0.0.1", "127.0.0.1:1", f"evil.example:{PORT}", f"[::1]:{PORT}", ""])
def test_no_other_name_leads_here(client: Client, host: str) -> None:
    assert client.open().get("/api/state", host=host).status_code == 403
    assert client.get(f"/?token={client.secrets.token}", host=host).status_code == 403
    assert client.get("/api/state", host=f"localhost:{PORT}").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://example.com"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://127.0.0.1:1"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
    ],
)
def test_no_other_page_decides(client: Client, review: Review, headers: dict[str, str]) -> None:
    before = review.decisions.path.read_bytes()
    answer = client.open().post("/api/decide", {"group": 0, "decision": "kept"}, **headers)
    assert answer.status_code == 403
    assert review.decisions.path.read_bytes() == before


def test_the_page_is_kept_to_itself(client: Client) -> None:
    for answer in (client.get("/"), client.open().get("/"), client.get("/api/groups"), client.get("/nothing")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


# What is asked and answered


def test_groups_in_pages(client: Client) -> None:
    answer = client.open().get("/api/groups?start=1&limit=2").json()
    assert [g["number"] for g in answer["groups"]] == [1, 2]
    assert answer["total"] == 4
    assert answer["file"] == "d.tsv"
    everything = client.get("/api/groups").json()["groups"]
    flag = next(g for g in everything if g["before"] == "fkag")
    assert (flag["count"], flag["records"], flag["suggestion"], flag["is_word"], flag["decision"]) == (2, 2, True, True, None)
    assert flag["example"]["before_context"] == "a "
    assert not next(g for g in everything if g["before"] == "<b>")["is_word"]
    details = client.get(f"/api/groups/{flag['number']}").json()
    assert details["examples"][0]["file"] == "a.jsonl"
    assert details["forms"] == [["fkag", "flag", 2]]
    assert client.get("/api/groups/99").status_code == 404
    for bad in ("start=-1", "start=x", "limit=0", f"limit={MAX_ROWS + 1}"):
        assert client.get(f"/api/groups?{bad}").status_code == 400


def test_deciding_is_saved_and_shows_its_effect(client: Client, review: Review) -> None:
    client.open()
    state = client.get("/api/state").json()["state"]
    assert (state["words"], state["decided"], state["changes"], state["changes_now"]) == (3, 0, 7, 7)
    answer = client.post("/api/decide", {"group": number_of(client, "fkag"), "decision": "accepted"}).json()
    assert answer["changed"] == {str(number_of(client, "fkag")): ["accepted", "flag"]}
    assert answer["state"]["effect"]["more"] == {"places": 2, "records": 2}
    assert answer["state"]["changes_now"] == 9
    answer = client.post("/api/decide", {"group": number_of(client, "recieve"), "decision": "kept"}).json()
    assert answer["state"]["effect"]["fewer"] == {"places": 3, "records": 3}
    assert answer["state"]["changes_now"] == 6
    assert answer["state"]["records_touched"] == 5
    prep = Preprocessor(lexicon=review.decisions.path)
    assert prep("We recieve the fkag.") == "We recieve the flag."
    answer = client.post("/api/undo", {}).json()
    assert answer["group"] == number_of(client, "recieve")
    assert answer["state"]["can_undo"]
    number = number_of(client, "fkag")
    answer = client.post("/api/decide", {"group": number, "decision": "none"}).json()
    assert answer["changed"] == {str(number): None}
    assert Decisions(review.decisions.path).terms == []


def test_a_word_in_several_groups_is_decided_at_once(tmp_path: Path) -> None:
    changes = [("spelling", "a", "adn", after, 0.8, False, 2) for after in ("and", "an")]
    client = Client(
        Review(groups_of(changes).ranked(), Decisions(tmp_path / "d.tsv"), lambda lexicon: Preprocessor(lexicon=lexicon))
    )
    client.open()
    first, second = client.get("/api/groups").json()["groups"]
    changed = client.post("/api/decide", {"group": first["number"], "decision": "accepted"}).json()["changed"]
    assert changed == {str(first["number"]): ["accepted", first["after"]], str(second["number"]): ["replaced", first["after"]]}
    client.close()


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"{", 400, "no JSON"),
        (b"[]", 400, "no JSON object"),
        (b"[" * 100_000, 400, "no JSON"),
        ({"group": "0", "decision": "kept"}, 400, "'group' must be"),
        ({"group": True, "decision": "kept"}, 400, "'group' must be"),
        ({"group": 0}, 400, "'decision' must be"),
        ({"group": 99, "decision": "kept"}, 404, "no such group"),
        ({"group": -1, "decision": "kept"}, 404, "no such group"),
        ({"group": 0, "decision": "maybe"}, 422, "no decision 'maybe'"),
        ({"group": 0, "decision": "replaced", "replacement": " "}, 422, "not by nothing"),
        ({"group": 0, "decision": "replaced", "replacement": "a\tb\nc\u2028\x00"}, 422, "cannot be seen"),
    ],
)
def test_bad_decisions(client: Client, review: Review, content: Any, status: int, said: str) -> None:
    before = review.decisions.path.read_bytes()
    answer = client.open().post("/api/decide", content)
    assert answer.status_code == status, answer.text
    assert said in answer.json()["error"]
    assert review.decisions.path.read_bytes() == before


def test_what_is_no_word_is_not_decided(client: Client) -> None:
    answer = client.open().post("/api/decide", {"group": number_of(client, "<b>"), "decision": "accepted"})
    assert answer.status_code == 422
    assert "not one of a word" in answer.json()["error"]


def test_a_list_that_was_changed_meanwhile(client: Client, review: Review) -> None:
    path = review.decisions.path
    path.write_text(path.read_text() + "recieve\n")
    answer = client.open().post("/api/decide", {"group": number_of(client, "fkag"), "decision": "kept"})
    assert answer.status_code == 409
    assert answer.json()["reload"]
    recieve = client.get("/api/groups").json()["groups"][number_of(client, "recieve")]
    assert recieve["decision"] == ["kept", ""]
    assert client.post("/api/decide", {"group": number_of(client, "fkag"), "decision": "kept"}).status_code == 200


# Trying


def test_a_text_is_tried_with_what_is_decided(client: Client) -> None:
    client.open()
    text = "I recieve <b>it</b> \U0001f600 and 𝒳"
    answer = client.post("/api/try", {"text": text}).json()
    assert answer["text"] == Preprocessor()(text)
    joined = "".join(part if isinstance(part, str) else answer["edits"][part]["before"] for part in answer["parts"])
    assert joined == text
    assert {e["stage"] for e in answer["edits"]} >= {"html", "spelling"}
    client.post("/api/decide", {"group": number_of(client, "recieve"), "decision": "kept"})
    assert client.post("/api/try", {"text": text}).json()["text"].startswith("I recieve it")


def test_any_text_can_be_tried(client: Client) -> None:
    client.open()
    for text in ("", "\ud800", "\x00", "<script>alert(1)</script>", "a" * MAX_TRY):
        assert client.post("/api/try", {"text": text}).status_code == 200
    for text in ("a" * (MAX_TRY + 1), "a" * 20 * MAX_TRY):
        answer = client.post("/api/try", {"text": text})
        assert answer.status_code == 400
        assert "too long" in answer.json()["error"]
    assert client.post("/api/try", {"text": 1}).status_code == 400


def test_what_is_shown_of_a_text_is_all_of_it() -> None:
    doc = Preprocessor().clean("Teh fkag &amp; sooooo fkagg in teh networkadapter!!!!!")
    shown = shown_edits(doc)
    assert "".join(p if isinstance(p, str) else shown["edits"][p]["before"] for p in shown["parts"]) == doc.raw
    made = "".join(
        p if isinstance(p, str) else shown["edits"][p]["before" if shown["edits"][p]["suggestion"] else "after"]
        for p in shown["parts"]
    )
    assert made == doc.text
