"""The server: the page, its messages and its files, on loopback, for those who hold the token."""

from __future__ import annotations

import asyncio
import json
import secrets
import tempfile
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from clearprop.data import load
from clearprop.data.dataset import Dataset
from clearprop.errors import OptionError
from clearprop.laboratory.lab_session import Glimpse, LabSession, Upload, answer_of
from clearprop.laboratory.orders import answer
from clearprop.laboratory.protocol import Message, read_message
from clearprop.laboratory.state import SOURCES, LabState
from clearprop.laboratory.takeaway import FORMS, taken_away
from clearprop.laboratory.views import frame, scene
from clearprop.nn import INITIALISERS, LOSSES, Net
from clearprop.nn.registries import ACTIVATIONS
from clearprop.optim import OPTIMIZERS, SCHEDULES

STATIC = Path(__file__).with_name("static")
LESSONS = Path(__file__).with_name("lessons")
LARGEST_TABLE = 8_000_000  # bytes
OWN_SESSIONS = 8  # that pages may have beside the shared one
ASIDE = ("doctor",)  # what takes seconds, and works on copies: training goes on beside it
TABLE_ENDINGS = (".csv", ".tsv", ".txt", ".data", ".dat", ".json", ".jsonl", ".arff", ".xlsx")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self' ws://127.0.0.1:* ws://localhost:*; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Lab:
    """The sessions behind one address, and its token.

    Parameters
    ----------
    state : LabState
    given : Dataset, optional
    net : Net, optional

    Attributes
    ----------
    token : str
        Random; without it nothing is answered but the page itself.
    shared : LabSession
    """

    def __init__(self, state: LabState, given: Dataset | None = None, net: Net | None = None) -> None:
        self.token = secrets.token_urlsafe(24)
        self.state, self.given = state, given
        self.shared = LabSession(state, given, net)
        self.own: dict[str, LabSession] = {}

    def session(self, name: str) -> LabSession:
        """The shared session for "", or a page's own.

        Raises
        ------
        OptionError
            If there are too many of its own.
        """
        if not name:
            return self.shared
        if name not in self.own:
            if len(self.own) >= OWN_SESSIONS:
                self.forget()
            if len(self.own) >= OWN_SESSIONS:
                raise OptionError(
                    f"This lab has {OWN_SESSIONS} runs of single pages already; close one, or use the shared run."
                )
            self.own[name] = LabSession(self.state, self.given)
        return self.own[name]

    def forget(self) -> None:
        """End the oldest run whose page is closed, to make room for another."""
        for name, session in self.own.items():
            if not session.listeners:
                del self.own[name]
                session.close()
                return

    def admits(self, token: str | None) -> bool:
        """Whether it is the token, compared in constant time."""
        return secrets.compare_digest((token or "").encode(), self.token.encode())

    def close(self) -> None:
        """End all threads."""
        for session in (self.shared, *self.own.values()):
            session.close()


class Guard:
    """Answers only requests to this machine by its own names, from pages of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            host = headers.get("host", "")
            origin = headers.get("origin")
            foreign = host.rsplit(":", 1)[0] not in ("127.0.0.1", "localhost") or (
                origin is not None and origin != f"http://{host}"
            )
            if foreign:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    await PlainTextResponse("This lab answers to its own page only.", 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def make_app(lab: Lab) -> ASGIApp:
    """The application of a lab."""

    def secured(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    async def page(request: Request) -> Response:
        return secured(FileResponse(STATIC / "index.html"))

    async def options(request: Request) -> Response:
        if not lab.admits(request.query_params.get("token")):
            return secured(PlainTextResponse("The address lacks the token that clearprop lab has printed.", 403))
        lessons = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(LESSONS.glob("*.json"))]
        return secured(JSONResponse(choices() | {"lessons": lessons}))

    async def table(request: Request) -> Response:
        if not lab.admits(request.query_params.get("token")):
            return secured(PlainTextResponse("The address lacks the token that clearprop lab has printed.", 403))
        return secured(await take_table(lab, request))

    async def take(request: Request) -> Response:
        if not lab.admits(request.query_params.get("token")):
            return secured(PlainTextResponse("The address lacks the token that clearprop lab has printed.", 403))
        return secured(await hand_over(lab, request))

    async def wire(socket: WebSocket) -> None:
        if not lab.admits(socket.query_params.get("token")):
            await socket.close(1008, "The address lacks the token that clearprop lab has printed.")
            return
        await socket.accept()
        try:
            session = lab.session(socket.query_params.get("session", "")[:40])
        except OptionError as error:
            await socket.send_text(json.dumps({"type": "error", "text": str(error)}))
            await socket.close(1013)
            return
        await Connection(socket, session).serve()

    routes = [
        Route("/", page), Route("/options", options), Route("/table", table, methods=["POST"]), Route("/take/{form}", take),
        WebSocketRoute("/wire", wire), Mount("/static", StaticFiles(directory=STATIC)),
    ]  # fmt: skip
    return Guard(Starlette(routes=routes))


def choices() -> dict[str, Any]:
    """Names that can be chosen on the page."""
    return {
        "sources": [name for name in SOURCES if name not in ("table", "given")],
        "activations": [name for name in ACTIVATIONS if name != "softmax"],
        "inits": list(INITIALISERS),
        "losses": list(LOSSES),
        "optimizers": list(OPTIMIZERS),
        "schedules": list(SCHEDULES),
        "forms": list(FORMS),
    }


async def take_table(lab: Lab, request: Request) -> Response:
    """Read a table that was dropped on the page, as the command line reads it, and train on it."""
    name = Path(request.query_params.get("name", "table.csv")).name[:100]
    ending = Path(name).suffix.lower()
    if ending not in TABLE_ENDINGS:
        return JSONResponse({"error": f"A table must be one of {' '.join(TABLE_ENDINGS)}, not {name!r}."}, 422)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_TABLE:
            return JSONResponse({"error": f"A table dropped on the page holds at most {LARGEST_TABLE // 1_000_000} MB."}, 413)
    target = request.query_params.get("target") or None
    try:
        data = await run_in_threadpool(read_table, body, name, target)
        session = lab.session(request.query_params.get("session", "")[:40])
        await asyncio.wrap_future(session.ask(lambda: session.take_table(data, Upload(name, body, target))))
    except Exception as error:
        return JSONResponse({"error": answer_of(error)}, 422)
    return JSONResponse({"notes": list(data.notes), "name": name})


def read_table(body: bytes, name: str, target: str | None) -> Dataset:
    """A data set from the bytes of a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(body)
        return load(path, target=target, test=0)


async def hand_over(lab: Lab, request: Request) -> Response:
    """The present net in another form, as a download."""
    try:
        session = lab.session(request.query_params.get("session", "")[:40])
        name, media, content = await run_in_threadpool(taken_away, session, request.path_params["form"])
    except Exception as error:
        return JSONResponse({"error": answer_of(error)}, 422)
    return Response(content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


class Connection:
    """One open page: its messages in, frames out.

    A frame goes out when the last one was acknowledged, and shows the newest state: a slow page never holds up training.
    """

    def __init__(self, socket: WebSocket, session: LabSession) -> None:
        self.socket, self.session = socket, session
        self.changed, self.acknowledged = asyncio.Event(), asyncio.Event()
        self.acknowledged.set()
        self.scene, self.version, self.sent = -1, -1, 0
        self.curve_from = 0
        self.state: LabState | None = None
        self.sending = asyncio.Lock()

    async def serve(self) -> None:
        """Until the page is closed."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self.changed.set)

        self.session.listeners.append(wake)
        self.changed.set()
        frames = asyncio.create_task(self.send_frames())
        try:
            while True:
                await self.receive(await self.socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self.session.listeners.remove(wake)
            frames.cancel()

    async def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        text = await run_in_threadpool(strict, message)
        async with self.sending:
            await self.socket.send_text(text)

    async def receive(self, text: str) -> None:
        """Carry out one message; a bad one gets a sentence."""
        try:
            message = read_message(text)
        except OptionError as error:
            await self.send({"type": "error", "text": str(error)})
            return
        if message.kind == "ack":
            self.acknowledged.set()
            return
        asyncio.create_task(self.obey(message))  # noqa: RUF006 - its errors are answered inside

    async def obey(self, message: Message) -> None:
        """Let the session carry it out, and send its answer."""
        try:
            if message.kind in ASIDE:
                await asyncio.wrap_future(self.session.ask(lambda: None))  # what was sent before is done before
                told = await run_in_threadpool(answer, self.session, message)
            else:
                told = await asyncio.wrap_future(self.session.ask(lambda: answer(self.session, message)))
        except Exception as error:
            told = {"type": "error", "text": answer_of(error)}
        if told is not None:
            await self.send(told)

    async def send_frames(self) -> None:
        """Frames, as fast as the page takes them."""
        while True:
            await self.changed.wait()
            await self.acknowledged.wait()
            self.changed.clear()
            now = self.session.published
            if now.version == self.version:
                continue
            self.version = now.version
            try:
                message = await run_in_threadpool(self.compose, now)
            except Exception as error:
                await self.send({"type": "error", "text": answer_of(error)})
                continue
            self.acknowledged.clear()
            await self.send(message)

    def compose(self, now: Glimpse) -> dict[str, Any]:
        """One frame; with the scene, the state and the whole curve where they have changed."""
        self.sent += 1
        fresh = now.scene != self.scene
        message: dict[str, Any] = {
            "type": "frame", "frame": self.sent, "step": now.step, "epoch": now.epoch, "running": now.running,
            "speed": round(now.speed), "pace": self.session.pace, "row": now.row,
            **frame(now.trainer, now.plane, now.net, now.running),
            "earliest": now.trainer.moments[0].step, "undo": len(self.session.undoable),
            "planted": now.trainer.gradient is not None, "frozen": int(now.trainer.frozen.sum()),
        }  # fmt: skip
        if fresh:
            self.scene = now.scene
            message["scene"] = scene(now.trainer, now.plane)
        if fresh or now.step < self.curve_from:
            message["curve"] = list(now.trainer.curve)
        if now.state is not self.state:
            message["state"] = now.state.to_json()
        self.state = now.state
        message["pinned"] = self.session.pinned if fresh else None
        self.curve_from = now.step
        return message


def strict(message: dict[str, Any]) -> str:
    """Strict JSON: what is not finite becomes null."""
    try:
        return json.dumps(message, allow_nan=False)
    except ValueError:
        return json.dumps(finite(message), allow_nan=False)


def finite(value: Any) -> Any:
    """The value with None for every number that is not finite."""
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(part) for part in value]
    if isinstance(value, float) and value - value != 0:
        return None
    return value
