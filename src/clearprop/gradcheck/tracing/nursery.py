"""The nursery: a process that has imported all that a check needs, and makes an attendant for each program by fork.

So the imports are paid once for a whole folder. It never reads anything of a program itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys

from clearprop.gradcheck.tracing import kernel
from clearprop.gradcheck.tracing.attendant import answer_on, attend, cleaned
from clearprop.gradcheck.tracing.request import Request

LARGEST = 2**16  # bytes of a request


def serve(line: socket.socket) -> None:
    """Attend to one request after another, until the line is closed."""
    kernel.prctl(kernel.DEATH_SIGNAL, kernel.KILL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for attendants
    while True:
        message, descriptors, _, _ = socket.recv_fds(line, LARGEST, 1)
        if not message:
            return
        if os.fork() == 0:
            _attend(line, message, descriptors[0])
        os.close(descriptors[0])


def _attend(line: socket.socket, message: bytes, descriptor: int) -> None:
    """The attendant's process, from its beginning to its end."""
    path = ""
    try:
        kernel.prctl(kernel.DEATH_SIGNAL, kernel.KILL)
        kernel.prctl(kernel.SUBREAPER, 1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        line.close()
        request = Request.from_json(json.loads(message))
        path = request.path
        attend(request, answer_on(descriptor))
    except BaseException as error:
        with contextlib.suppress(BaseException):
            problem = f"The check itself failed: {type(error).__name__}: {error}"
            answer_on(descriptor)({"kind": "", "outcome": cleaned({"path": path, "problem": problem[:500]}, {})})
    finally:
        os._exit(1)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
