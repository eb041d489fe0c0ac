"""Opening a lab: from a net and data in Python, or from a source on the command line."""

from __future__ import annotations

import socket
import webbrowser
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from clearprop.arguments import checked
from clearprop.data.dataset import Dataset
from clearprop.errors import MissingExtraError, OptionError
from clearprop.nn import Net
from clearprop.registry import choose, count

if TYPE_CHECKING:
    from clearprop.laboratory.server import Lab

HOST = "127.0.0.1"
HIDEABLE = (
    "data", "settings", "tools", "card", "source", "points", "noise", "split", "plane", "table", "layers", "extras", "rate",
    "optimizer", "schedule", "batch", "loss", "init", "decay", "seed", "slow", "insights", "break", "doctor", "compare", "take",
    "lessons",
)  # fmt: skip
"""Names of the panels, controls and tools of the page."""


def silent(message: str) -> None:
    """Say nothing."""


@checked
def lab(
    net: Net | None = None,
    data: Dataset | None = None,
    *,
    state: Mapping[str, Any] | None = None,
    lesson: int | None = None,
    hide: Sequence[str] = (),
    port: int = 0,
    browser: bool = True,
    say: Callable[[str], object] = print,
) -> None:
    """Open the lab in the browser, and stay until it is ended with Ctrl-C.

    Parameters
    ----------
    net : Net, optional
        Linear layers with activations between them; a copy is touched. By default a new one.
    data : Dataset, optional
        By default two circles.
    state : dict, optional
        Data, settings and plane to begin with, as an address holds them.
    lesson : int, optional
        Number of a lesson to open, from 1.
    hide : sequence of str
        Panels and controls that the page does not show, of those in `HIDEABLE`.
    port : int
        Port on 127.0.0.1; 0 for one that is free.
    browser : bool
        Whether to open the page; its address is said in any case.
    say : callable
        Called with the address.

    Raises
    ------
    OptionError
        If the port is taken, or the net does not suit the data.
    MissingExtraError
        If Starlette or uvicorn is not installed.
    """
    if count("port", port, 0) > 65535:
        raise OptionError(f"port must be a number up to 65535, not {port}.")
    fragment = fragment_of(lesson, hide)
    made = make_lab(net, data, state)
    listener = listen(port)
    address = f"http://{HOST}:{listener.getsockname()[1]}/?token={made.token}{fragment}"
    say(address)
    if browser:
        webbrowser.open(address)
    serve(made, listener)


def fragment_of(lesson: int | None, hide: Sequence[str]) -> str:
    """The part of an address behind the #, which opens a lesson and hides controls.

    Examples
    --------
    >>> fragment_of(2, ["settings", "rate"])
    '#lesson=2&hide=settings,rate'
    """
    words = []
    if lesson is not None:
        words.append(f"lesson={count('lesson', lesson)}")
    if isinstance(hide, str):
        raise OptionError(f"hide must be a list of names such as ['settings', 'rate'], not {hide!r}.")
    for name in hide:
        choose("hide", name, HIDEABLE)
    if hide:
        words.append(f"hide={','.join(hide)}")
    return "#" + "&".join(words) if words else ""


def make_lab(net: Net | None = None, data: Dataset | None = None, state: Mapping[str, Any] | None = None) -> Lab:
    """The lab behind an address, without a server."""
    try:
        from clearprop.laboratory.extras import described
        from clearprop.laboratory.server import Lab
        from clearprop.laboratory.state import LabState
    except ImportError as error:
        raise MissingExtraError(f"The lab needs {error.name}: pip install 'clearprop[lab]'.") from None
    given = dict(state or {})
    if data is not None:
        given["data"] = {**given.get("data", {}), "source": "given"}
        if data.image_shape is not None:
            given.setdefault("plane", [-1, -1])  # a single pixel says little
    if net is not None:
        given["settings"] = {**described(net), **given.get("settings", {})}
    return Lab(LabState.of(given), data, None if net is None else net.copy())


def listen(port: int) -> socket.socket:
    """A socket on loopback.

    Raises
    ------
    OptionError
        If the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()  # from now on a page waits for its answer, and is not refused
    except OSError:
        listener.close()
        raise OptionError(f"Port {port} of {HOST} is taken or not allowed; choose another with --port, or 0 for any.") from None
    return listener


def serve(made: Lab, listener: socket.socket) -> None:
    """Answer pages until Ctrl-C."""
    import uvicorn

    from clearprop.laboratory.protocol import LARGEST
    from clearprop.laboratory.server import make_app

    app = make_app(made)
    quiet: dict[str, Any] = {"log_level": "error", "access_log": False, "timeout_graceful_shutdown": 1, "lifespan": "off"}
    config = uvicorn.Config(app, ws="websockets-sansio", ws_max_size=LARGEST, **quiet)
    try:
        uvicorn.Server(config).run([listener])
    except KeyboardInterrupt:
        pass  # the way to end a lab
    finally:
        made.close()
        listener.close()
