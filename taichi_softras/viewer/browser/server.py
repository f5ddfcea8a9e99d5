"""A server of viser's whose clients do not meet, and the one thread that computes for all of them.

viser (https://viser.studio) calls back on threads of its own; kernels are launched by one. So a callback only lays down a wish, and wakes the thread in
`Server.serve`, which takes the wishes of each session in turn: of one kind the last one counts, so that nobody is shown what was wanted a while ago.

What a client sends is believed as little as a file: all that it may change belongs to its own session; what is of the wrong type, too large or not finite is
one sentence in the log, and the server goes on. A page of another site is not let in (it could speak to a server on this machine), and nothing that a client
says makes viser publish the server (its share button asks a machine elsewhere to pass everything on).
"""

import asyncio
import contextlib
import importlib
import importlib.util
import io
import ipaddress
import logging
import reprlib
import socket
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from ...checks import check_integer

__all__ = ["MAX_UPLOAD", "Server", "Session", "check_address", "without_banner"]

MAX_UPLOAD = 256 << 20  # bytes of a file that a client sends
MOST_SENTENCES = 20  # in the log, a minute: it is clients who have us write them
IDLE = 0.05  # seconds between two looks at pictures that may become finer
FIELD_OF_VIEW = 40.0  # degrees, at first
TITLE = "taichi_softras"


def check_address(op: str, host: str, port: int) -> None:
    """That a server can listen there, and that viser is installed.

    Raises:
        RuntimeError: without viser.
        ValueError, OSError: if there is no such port or host.
    """
    if importlib.util.find_spec("viser") is None:
        raise RuntimeError(f"{op}: the browser's page is made with viser, which is not installed: pip install 'taichi_softras[browser]'")
    check_integer(op, "--port", port, 0, 65_535)
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as tried:
            tried.bind(address)
    except OSError as error:  # viser would try a thousand ports, and then wait for ever
        raise OSError(f"{op}: --host must be an address of this machine, got {host!r}: {error}") from error


@contextlib.contextmanager
def without_banner() -> Iterator[None]:
    """Within it, viser prints nothing: neither to the standard output nor, by rich, into a notebook."""
    console = importlib.import_module("rich").get_console()
    before, console.quiet = console.quiet, True
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        console.quiet = before


def is_loopback(host: str | None) -> bool:
    """Whether only this machine can speak to a server there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


class Session:
    """What one client looks at. Everything but `wish` and the callbacks is called by the thread that computes.

    Args:
        server: whose client it is.
        client: viser's handle of it.
    """

    def __init__(self, server: "Server", client: Any) -> None:
        self.server, self.client = server, client
        self.closed = False
        self._wishes: dict[str, Callable[[], None]] = {}
        self._lock, self._begun = threading.Lock(), False

    # -------------------------------------------------------------------------------------------------------- from any thread

    def wish(self, kind: str, fulfil: Callable[[], None]) -> None:
        """What is to be done next, in place of what was wished of this kind before."""
        with self._lock:
            self._wishes.pop(kind, None)
            self._wishes[kind] = fulfil
        self.server.wake()

    def say(self, sentence: str) -> None:
        """A line in the log about this client."""
        self.server.log(f"client {self.client.client_id}: {sentence}")

    def listen(self, handle: Any, name: str, read: Callable[[Any], Any], apply: Callable[[Any], None]) -> None:
        """Has the value of a control read as soon as it changes, and applied by the thread that computes. What ``read`` refuses is a sentence in the
        log; where it returns None, nothing happens (yet)."""

        @handle.on_update
        async def _(event: Any) -> None:
            if event.client_id is None:  # we have changed it ourselves
                return
            try:
                value = read(event.target.value)
            except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
                self.say(f"{name} must be one of its values, got {reprlib.repr(event.target.value)} ({type(error).__name__})")
                return
            if value is not None:
                self.wish(name, lambda: apply(value))

    # ------------------------------------------------------------------------------------------------------------- by the engine

    def begin(self) -> None:
        """Builds the page."""

    def proceed(self) -> bool:
        """Does a little of what is to be done. Returns whether it did anything."""
        return False

    def end(self) -> None:
        """Lets go of what it holds."""

    def work(self) -> bool:
        """Fulfils what was wished, and proceeds. Returns whether there was anything to do."""
        with self._lock:
            wishes, self._wishes = self._wishes, {}
        begun, self._begun = self._begun, True
        if not begun:
            self.begin()
        for fulfil in wishes.values():
            fulfil()
        return self.proceed() or bool(wishes) or not begun

    def pose(self, camera: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, float, tuple[int, int]]:
        """What viser tells of the client's camera: quaternion (w first; x right, y down, looking along z), eye, the point looked at, vertical field of view in
        radians, and (height, width) of its canvas.

        Raises:
            ValueError, TypeError: if it is no camera.
        """
        turn, eye, target = (np.array(value, np.float64) for value in (camera.wxyz, camera.position, camera.look_at))
        fov, size = float(camera.fov), (int(camera.image_height), int(camera.image_width))
        if turn.shape != (4,) or eye.shape != (3,) or target.shape != (3,) or not all(np.isfinite(value).all() for value in (turn, eye, target)):
            raise ValueError("camera must be finite numbers")
        if not (0.01 < fov < 3.1 and abs(np.linalg.norm(turn) - 1) < 1e-3 and max(map(abs, (*eye, *target))) < 1e9 and min(size) > 0):
            raise ValueError("camera must have a unit quaternion, a field of view between 0 and 180 degrees and a canvas")
        return turn, eye, target, fov, size


class Server:
    """viser's server, with a session for each client.

    Args:
        make: makes the session of a client.
        host, port: where it listens; if the port is taken, the next free one.
        op: the command, with which lines of the log begin.
        eye, target: [3] where the cameras of the browsers stand at first, and what they look at; up: [3] what is up.
        log: what writes a line of the log.

    Attributes:
        sessions: of the clients that are there.
    """

    def __init__(
        self,
        make: Callable[["Server", Any], Session],
        host: str,
        port: int,
        op: str,
        eye: np.ndarray,
        target: np.ndarray,
        up: np.ndarray,
        log: Callable[[str], None] | None = None,
    ) -> None:
        viser = importlib.import_module("viser")
        self._make, self._host, self._op = make, host, op
        self._write = log or (lambda line: print(line, file=sys.stderr, flush=True))
        self.sessions: dict[int, Session] = {}
        self._left: list[Session] = []
        self._told = (0, 0)  # minute, lines
        self._condition, self._awake, self._leaving = threading.Condition(), False, False
        # A client may leave between a look at whether it is there and a message to it.
        warnings.filterwarnings("ignore", message="Queued a .* on a closed connection")
        with without_banner():
            self.viser = viser.ViserServer(host=host, port=port, label=TITLE, verbose=False)
        # What clients say is for their own sessions: what viser would do for all of them (pass a message on to the others, publish the server) is not done.
        self.viser._websock_server._incoming_handlers.clear()
        self.viser.get_event_loop().call_soon_threadsafe(self.viser.get_event_loop().set_exception_handler, self._unforeseen)
        logging.getLogger("websockets.server").addFilter(self._broken_connection)
        self.viser.scene.set_up_direction(tuple(map(float, up)))
        first = self.viser.initial_camera
        first.position, first.look_at, first.up, first.fov = tuple(map(float, eye)), tuple(map(float, target)), tuple(map(float, up)), np.radians(FIELD_OF_VIEW)
        self.viser.on_client_connect(self._arrived)
        self.viser.on_client_disconnect(self._departed)

    @property
    def address(self) -> str:
        host = "localhost" if is_loopback(self._host) or self._host in ("0.0.0.0", "::", "") else self._host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.viser.get_port()}"

    def greet(self) -> str:
        """The sentence that tells where it is, and who can come."""
        if is_loopback(self._host):
            return f"{self._op}: the page is at {self.address} (of this machine alone; from elsewhere: ssh -L {self.viser.get_port()}:{self.address[7:]} ...)"
        return f"{self._op}: the page is at {self.address}: whoever can reach {self._host} can look, steer and upload; there is no password and no encryption"

    def log(self, sentence: str) -> None:
        """A line in the log; of many in one minute, only the first."""
        minute = int(time.monotonic() / 60)
        self._told = (minute, self._told[1] + 1 if self._told[0] == minute else 1)
        if self._told[1] <= MOST_SENTENCES:
            more = " (what else comes this minute is not told)" if self._told[1] == MOST_SENTENCES else ""
            self._write(f"taichi-softras: {self._op}: {sentence}{more}")

    # ---------------------------------------------------------------------------------------------------------- the engine's thread

    def work(self) -> bool:
        """A little of what each session has to do. Returns whether there was anything."""
        with self._condition:
            here, left, self._left, self._awake = list(self.sessions.values()), self._left, [], False
        for session in left:
            self._guarded(session, session.end)
        return sum(self._guarded(session, session.work) for session in here if not session.closed) > 0  # each of them

    def _guarded(self, session: Session, do: Callable[[], Any]) -> bool:
        try:
            return bool(do())
        except Exception as error:  # whatever it is: others go on
            session.say(f"{type(error).__name__}: {error}")
            return False

    def serve(self, until: Callable[[], bool] = lambda: False) -> None:
        """Works until `leave` is called, or ``until`` says so; sleeps while nobody wants anything."""
        while not (self._leaving or until()):
            if not self.work():
                self.wait(IDLE if self.sessions else 10 * IDLE)

    def wait(self, seconds: float) -> None:
        """Until somebody wants something, and no longer than that."""
        with self._condition:
            self._condition.wait_for(lambda: self._awake or self._leaving, seconds)

    @property
    def busy(self) -> bool:
        """Whether anybody is there, or has just left."""
        return bool(self.sessions or self._left)

    @property
    def awake(self) -> bool:
        """Whether somebody wants something."""
        return self._awake

    def wake(self) -> None:
        """To be called from any thread: there is something to do."""
        with self._condition:
            self._awake = True
            self._condition.notify_all()

    def leave(self) -> None:
        """To be called from any thread: `serve` returns."""
        self._leaving = True
        self.wake()

    def stop(self) -> None:
        """Ends the server and its threads."""
        with self._condition:
            left, self.sessions = [*self.sessions.values(), *self._left], {}
        for session in left:
            session.closed = True
            self._guarded(session, session.end)
        with without_banner():
            self.viser.stop()
        logging.getLogger("websockets.server").removeFilter(self._broken_connection)

    # ------------------------------------------------------------------------------------------------------------- viser's thread

    async def _arrived(self, client: Any) -> None:
        connection = self.viser._websock_server._live_connections.get(client.client_id)
        if connection is None:  # it has left already
            return
        stranger = self._stranger(connection.request.headers)
        if stranger is not None:
            self.log(f"client {client.client_id}: a page of {reprlib.repr(stranger)} is not let in")
            await connection.close()
            return
        session = self._make(self, client)
        self._limit_uploads(session)
        with self._condition:
            self.sessions[client.client_id] = session
        self.wake()

    def _stranger(self, headers: Any) -> str | None:
        """The site whose page speaks, if it is not ours: browsers let any page speak to a server on this machine, and tell whose it is."""
        origin, host = headers.get("Origin"), headers.get("Host", "")
        if origin is None or not is_loopback(self._host):
            return None
        ours = urlsplit(origin).netloc == host and is_loopback(urlsplit(f"//{host}").hostname)
        return None if ours else str(origin)

    async def _departed(self, client: Any) -> None:
        with self._condition:
            session = self.sessions.pop(client.client_id, None)
            if session is not None:
                session.closed = True
                self._left.append(session)
        self.wake()

    def _limit_uploads(self, session: Session) -> None:
        """Forgets a file that becomes too large as soon as that is known."""
        messages, gui = importlib.import_module("viser._messages"), session.client.gui
        of_client = session.client._websock_connection

        def look(_: int, message: Any) -> None:
            states = gui._current_file_upload_states
            total = sum(max(state["total_bytes"], state["transferred_bytes"]) for state in states.values())
            wrong = None
            if not isinstance(getattr(message, "content", b""), bytes):
                wrong = "a part of a file must be bytes"
            elif total > MAX_UPLOAD:
                wrong = f"a file must have at most {MAX_UPLOAD >> 20} MiB, got {total / 2**20:.0f} MiB"
            if wrong and states.pop(message.transfer_uuid, None) is not None:
                session.say(wrong)
                session.client.add_notification("not loaded", wrong, color="red", auto_close_seconds=8.0)

        for kind in (messages.FileTransferStartUpload, messages.FileTransferPart):
            of_client.register_handler(kind, look)

    def _unforeseen(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What a message broke in viser: a sentence instead of a traceback."""
        error = context.get("exception")
        self.log(f"a client's message could not be read: {type(error).__name__}: {reprlib.repr(str(error))}" if error else str(context.get("message")))

    def _broken_connection(self, record: logging.LogRecord) -> bool:
        """Of websockets' log: a connection that broke is a sentence, without a traceback."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error.__cause__, EOFError):  # browsers open connections that they do not use
            self.log(f"a connection was closed: {type(error).__name__}: {reprlib.repr(str(error))}")
        return error is None
