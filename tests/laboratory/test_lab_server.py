"""The server of a lab without a browser: token, Host and Origin, messages, tables, and pages that are slow or gone."""

import io
import json
import time
import zipfile

import numpy as np
import pytest

pytest.importorskip("starlette")
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import clearprop as cp
from clearprop.cli.lab import of_run
from clearprop.errors import OptionError
from clearprop.laboratory.entrance import listen, make_lab
from clearprop.laboratory.protocol import MESSAGES, read_message
from clearprop.laboratory.server import LARGEST_TABLE, OWN_SESSIONS, make_app, strict

BASE = "http://127.0.0.1:8000"
WIRE = "ws://127.0.0.1:8000/wire"
STATE = {"data": {"source": "xor", "n": 60}, "settings": {"hidden": [3]}}


@pytest.fixture
def lab():
    made = make_lab(state=STATE)
    yield made
    made.close()


@pytest.fixture
def client(lab):
    with TestClient(make_app(lab), base_url=BASE) as client:
        yield client


class Page:
    """A page that acknowledges every frame, and keeps what it was told."""

    def __init__(self, socket):
        self.socket, self.told = socket, []

    def send(self, kind, **values):
        self.socket.send_text(json.dumps({"type": kind, **values}))

    def read(self, kind, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = json.loads(self.socket.receive_text())
            if message["type"] == "frame":
                self.send("ack", frame=message["frame"])
            if message["type"] == kind:
                return message
            assert message["type"] != "error", message["text"]
        raise AssertionError(f"no {kind}")


PATIENCE = 20.0


def page(client, lab, session=""):
    return client.websocket_connect(f"{WIRE}?token={lab.token}&session={session}")


def test_a_page_runs_steps_and_goes_back(client, lab):
    with page(client, lab) as socket:
        shown = Page(socket)
        first = shown.read("frame")
        assert first["step"] == 0
        assert first["scene"]["n"]["train"] == 45
        shown.send("step", n=7)
        while shown.read("frame")["step"] != 7:
            pass
        weights = lab.shared.trainer.net.theta.copy()
        shown.send("step", n=20)
        shown.send("back", to=7)
        while lab.shared.trainer.step != 7 or lab.shared.trainer.moments[-1].step != 7:
            time.sleep(0.01)
        assert (lab.shared.trainer.net.theta == weights).all()


@pytest.mark.parametrize("kind", sorted(set(MESSAGES) - {"ack", "doctor", "remedy", "run"}))
def test_every_message_is_answered_or_changes_what_is_shown(client, lab, kind):
    values = {
        "step": {"n": 1}, "pace": {"steps": 100}, "back": {"to": 0}, "change": {"state": {"settings": {"lr": 0.5}}},
        "weight": {"layer": 0, "name": "W", "index": [0, 0], "value": 1.5}, "silence": {"layer": 0, "unit": 0},
        "freeze": {"layer": 0, "name": "b", "index": [0], "on": True}, "card": {"layer": 0, "name": "W", "index": [0, 0]},
        "unit": {"column": 0, "unit": 0}, "hold": {"layer": 0, "unit": 0, "on": True},
    }.get(kind, {})  # fmt: skip
    answers = {"card": "card", "unit": "card", "weight": "card", "freeze": "card", "slow": "slow", "insights": "insights",
               "faults": "faults", "plant": "check", "heal": "check", "check": "check", "pin": "pinned", "unpin": "pinned",
               "undo": "error"}  # fmt: skip
    with page(client, lab) as socket:
        shown = Page(socket)
        version = shown.read("frame")["frame"]
        if kind == "plant":
            shown.send("faults")
            first = shown.read("faults")["faults"][0]
            values = {"slug": first["slug"], "site": first["site"]}
        shown.send(kind, **values)
        told = shown.read(answers.get(kind, "frame"))
        assert told["type"] != "frame" or told["frame"] > version
        if kind == "plant":
            assert told["right"] is False


def test_a_run_trains_while_a_page_sleeps_and_the_newest_state_wins(client, lab):
    with page(client, lab) as socket:
        shown = Page(socket)
        shown.read("frame")
        shown.send("run", on=True)
        time.sleep(1.0)  # frames are not acknowledged meanwhile
        before = lab.shared.trainer.step
        time.sleep(0.3)
        assert lab.shared.trainer.step > before > 100
        seen = [shown.read("frame")["step"] for _ in range(3)]
        assert seen[-1] > before  # what was missed is left out
        shown.send("run", on=False)
    time.sleep(0.2)
    assert not lab.shared.running


def test_a_page_that_is_gone_does_not_stop_the_run(client, lab):
    with page(client, lab) as socket:
        shown = Page(socket)
        shown.read("frame")
        shown.send("run", on=True)
        shown.read("frame")
    step = lab.shared.trainer.step
    time.sleep(0.3)
    assert lab.shared.trainer.step > step
    with page(client, lab) as socket:
        assert Page(socket).read("frame")["step"] > step


def test_nothing_is_answered_without_the_token(client, lab):
    for path in ("/options", "/take/numpy", "/options?token=wrong"):
        assert client.get(path).status_code == 403
    assert client.post("/table?name=a.csv", content=b"x").status_code == 403
    for token in ("", "wrong"):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{WIRE}?token={token}") as socket:
            socket.receive_text()
    assert client.get(f"/options?token={lab.token}").json()["lessons"][0]["title"] == "What a layer does"


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Host": "127.0.0.1.evil.example:80"}]
)
def test_other_hosts_and_origins_are_refused(client, lab, headers):
    assert client.get(f"/options?token={lab.token}", headers=headers).status_code == 403
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{WIRE}?token={lab.token}", headers=headers) as socket:
        socket.receive_text()


def test_the_page_may_load_nothing_from_elsewhere(client):
    answer = client.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "http://" not in answer.text.replace("http://www.w3.org", "")
    assert "https://" not in answer.text
    assert client.get("/static/../server.py").status_code == 404


def test_a_table_is_read_as_the_command_line_reads_it(client, lab):
    rows = "\n".join(f"{k};{k % 7},5;{'abc'[k % 3]}" for k in range(60))
    answer = client.post(f"/table?token={lab.token}&name=mine.csv", content=f"x;size;kind\n{rows}".encode())
    assert answer.status_code == 200, answer.text
    assert any("semicolon" in note for note in answer.json()["notes"])
    assert [str(label) for label in lab.shared.trainer.data.classes] == ["a", "b", "c"]
    assert lab.shared.state.data.source == "table"


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("a.exe", b"x", 422),
        ("a.csv", b"", 422),
        ("a.csv", b"\x00" * 50, 422),
        ("../../a.csv", b"x\n1\n", 422),
        ("a.csv", b"x" * (LARGEST_TABLE + 1), 413),
    ],
    ids=["ending", "empty", "binary", "path", "size"],
)  # fmt: skip
def test_a_bad_table_is_one_sentence_and_the_run_stays(client, lab, name, content, status):
    before = lab.shared.trainer
    answer = client.post("/table", params={"token": lab.token, "name": name}, content=content)
    assert answer.status_code == status
    assert answer.json()["error"].count("\n") == 0
    assert lab.shared.trainer is before


@pytest.mark.parametrize("form", ["clearprop", "numpy", "js", "c"])
def test_the_net_is_taken_away(client, lab, form):
    answer = client.get(f"/take/{form}?token={lab.token}")
    assert answer.status_code == 200, answer.text
    assert len(answer.content) > 300
    assert "attachment" in answer.headers["content-disposition"]


def unzipped(content, folder):
    """The run in an archive, in a folder of its own."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    return folder / "run"


@pytest.mark.parametrize("source", ["xor", "hills"])
def test_a_run_is_taken_away_as_a_folder_and_opened_again(client, lab, tmp_path, source):
    """The folder holds the very net; the rows beside it give the same split, on which `of_run` opens the same state."""
    shared = lab.shared
    change = {"data": {"source": source}, "settings": {"hidden": [4], "batch_norm": [True], "dropout": [0.1], "lr": 0.05}}
    shared.ask(lambda: shared.change(change)).result(60)
    shared.ask(lambda: shared.take(100)).result(60)
    answer = client.get(f"/take/run?token={lab.token}")
    assert answer.status_code == 200, answer.text
    folder = unzipped(answer.content, tmp_path)
    names = {file.name for file in folder.iterdir()}
    assert names >= {"model.safetensors", "config.json", "history.jsonl", "metrics.json", "card.md", "data.csv", "curves.png"}
    net, data, state = of_run(folder)
    np.testing.assert_array_equal(net.theta, shared.trainer.net.theta)
    np.testing.assert_allclose(data.train.X, shared.trainer.data.train.X, rtol=1e-6)
    np.testing.assert_allclose(data.train.y, shared.trainer.data.train.y, rtol=1e-6)
    opened = make_lab(net, data, state)
    for name in ("hidden", "activation", "batch_norm", "dropout", "lr", "loss", "optimizer", "batch_size"):
        assert opened.shared.state.settings[name] == shared.state.settings[name], name
    opened.close()
    metrics = json.loads((folder / "metrics.json").read_text())["metrics"]
    shown = shared.trainer.measure(0.0)
    assert metrics["val"]["loss"] == pytest.approx(shown["val_loss"], rel=1e-4)


def test_a_table_is_taken_away_with_its_run(client, lab, tmp_path):
    body = ("size;kind\n" + "\n".join(f"{k % 7},5;{'ab'[k % 2]}" for k in range(80))).encode()
    assert client.post(f"/table?token={lab.token}&name=mine.csv", content=body).status_code == 200
    folder = unzipped(client.get(f"/take/run?token={lab.token}").content, tmp_path)
    assert (folder / "mine.csv").read_bytes() == body
    assert list(of_run(folder)[1].classes) == ["a", "b"]


def test_the_report_holds_the_figures_and_repeats_the_state(client, lab):
    lab.shared.ask(lambda: lab.shared.take(50)).result(60)
    answer = client.get(f"/take/report?token={lab.token}")
    assert answer.status_code == 200, answer.text
    assert "Figures of merit" in answer.text
    assert "data:image" in answer.text
    assert "clearprop lab --state" in answer.text
    assert "attachment" in answer.headers["content-disposition"]


def test_a_run_that_is_not_finite_is_taken_away_too(client, lab):
    lab.shared.ask(lambda: lab.shared.trainer.net.theta.fill(np.nan)).result(60)
    for form in ("run", "report"):
        answer = client.get(f"/take/{form}?token={lab.token}")
        assert answer.status_code == 200, answer.text
    assert "not finite" in client.get(f"/take/report?token={lab.token}").text


def test_extras_are_undone_and_what_was_learned_stays(client, lab):
    shared = lab.shared
    shared.ask(lambda: shared.take(30)).result(60)
    before = [layer.W.copy() for layer in shared.trainer.linears()]
    shared.ask(lambda: shared.change({"settings": {"batch_norm": [True], "dropout": [0.3]}})).result(60)
    assert any(isinstance(layer, cp.BatchNorm) for layer in shared.trainer.net.layers)
    shared.ask(shared.undo).result(60)
    assert [type(layer).__name__ for layer in shared.trainer.net.layers] == ["Linear", "Tanh", "Linear"]
    assert all(np.array_equal(layer.W, W) for layer, W in zip(shared.trainer.linears(), before, strict=True))


def test_the_rate_of_a_regression_changes_without_a_new_net(client, lab):
    shared = lab.shared
    shared.ask(lambda: shared.change({"data": {"source": "hills"}})).result(60)
    shared.ask(lambda: shared.take(30)).result(60)
    shared.ask(lambda: shared.change({"settings": {"lr": 0.02}})).result(60)
    assert shared.trainer.step == 30
    assert shared.state.settings["loss"] == "mean_squared_error"


def test_a_rate_far_too_high_is_found_and_its_remedy_applied(client, lab):
    """Both curves are kept: the old one pinned, and the new one, which is better."""
    with page(client, lab) as socket:
        shown = Page(socket)
        shown.send("change", state={"data": {"source": "circles", "n": 200}, "settings": {"hidden": [8], "lr": 8.0}})
        shown.send("step", n=300)
        shown.send("doctor")
        found = shown.read("doctor", 120)["findings"]
        first = next(k for k, one in enumerate(found) if one["applicable"])
        assert "learning rate 8 is too high" in found[first]["title"]
        shown.send("remedy", number=first)
        while shown.read("frame").get("state", {"settings": {"lr": 8.0}})["settings"]["lr"] >= 8.0:
            pass
        assert lab.shared.pinned
        old = lab.shared.pinned[-1]["val_loss"]
        shown.send("step", n=300)
        while shown.read("frame")["step"] != 300:
            pass
        assert lab.shared.trainer.curve[-1]["val_loss"] < old
        assert lab.shared.pinned[-1]["val_loss"] == old


def test_pages_of_their_own_have_runs_of_their_own(client, lab):
    with page(client, lab, "one") as socket:
        shown = Page(socket)
        shown.read("frame")
        shown.send("step", n=3)
        while shown.read("frame")["step"] != 3:
            pass
    assert lab.shared.trainer.step == 0
    assert lab.own["one"].trainer.step == 3
    lab.session("one").listeners.append(lambda: None)
    for k in range(OWN_SESSIONS - 1):
        lab.session(f"page{k}").listeners.append(lambda: None)  # a page is open
    with pytest.raises(OptionError, match="runs of single pages"):
        lab.session("too many")


BAD = [
    "", "nonsense", "[]", "{}", '{"type": 3}', '{"type": "launch"}', '{"type": "step"}', '{"type": "step", "n": -1}',
    '{"type": "step", "n": 1e999}', '{"type": "step", "n": true}', '{"type": "step", "n": 1, "x": 2}',
    '{"type": "run", "on": 1}',
    '{"type": "weight", "layer": 0, "name": "theta", "index": [0, 0], "value": 1}', '{"type": "change", "state": []}',
    '{"type": "card", "layer": 0, "name": "W", "index": [0, 0, 0]}', '{"type": "plant", "slug": "x", "site": "y"}',
    '{"type": "weight", "layer": 0, "name": "W", "index": [0, 0], "value": NaN}', "[" * 100_000, '{"type": "' + "a" * 2_000_000,
    '{"type": "change", "state": ' + '{"a": ' * 50 + "1" + "}" * 51,
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:40])
def test_a_bad_message_is_one_sentence(text):
    with pytest.raises(OptionError) as raised:
        read_message(text)
    assert len(str(raised.value)) < 900
    assert "\n" not in str(raised.value)


def test_a_bad_message_does_not_end_the_connection(client, lab):
    with page(client, lab) as socket:
        shown = Page(socket)
        shown.read("frame")
        socket.send_text("nonsense")
        assert "JSON" in shown.read("error")["text"]
        shown.send("change", state={"settings": {"hidden": [9999]}})
        assert "64 units" in shown.read("error")["text"]
        shown.send("step", n=1)
        while shown.read("frame")["step"] != 1:
            pass


def test_frames_are_strict_json():
    assert json.loads(strict({"a": [float("nan"), {"b": float("inf")}], "c": 1.0})) == {"a": [None, {"b": None}], "c": 1.0}


def test_a_busy_port_is_one_sentence():
    taken = listen(0)
    taken.listen()
    with pytest.raises(OptionError, match="choose another with --port"):
        listen(taken.getsockname()[1])
    taken.close()


def test_a_closed_page_makes_room_for_another():
    from clearprop.laboratory.entrance import make_lab

    lab = make_lab()
    watched = lab.session("watched")
    watched.listeners.append(lambda: None)
    for k in range(2 * OWN_SESSIONS):
        lab.session(f"page {k}")
    assert lab.session("watched") is watched
    assert len(lab.own) == OWN_SESSIONS
    lab.close()
