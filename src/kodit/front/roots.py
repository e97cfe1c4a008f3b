"""The client's workspace folders: its roots, in the older handshake. They are deprecated in
revision 2026-07-28, in which a client is not asked for them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from kodit.front.messages import Message

SECONDS_FOR_AN_ANSWER = 2.0
"""How long a call waits for the client's answer. If it is late, no call waits for it again, but it
is used when it arrives."""
MOST_ROOTS = 32
LONGEST_ROOT = 4_096
_PREFIX = "kodit-roots-"


class Roots:
    """Asks a client for its roots once, and again when it reports that they have changed. Messages
    come from one thread; any number of threads ask for the folders."""

    def __init__(self, send: Callable[[Message], None]) -> None:
        self._send = send
        self._state = threading.Lock()
        self._answered = threading.Event()
        self._asked = 0
        self._is_slow = False
        self._folders: tuple[str, ...] = ()

    def ask(self) -> None:
        """Ask now; answers to earlier requests are ignored."""
        with self._state:
            self._asked += 1
            self._answered.clear()
            request_id = f"{_PREFIX}{self._asked}"
        self._send({"jsonrpc": "2.0", "id": request_id, "method": "roots/list"})

    def take(self, response: Message) -> None:
        """Accept a response of the client, if it is the one to the latest request. After an error,
        the known roots stay."""
        result = response.get("result")
        listed = result.get("roots") if isinstance(result, dict) else None
        folders = _folders(listed) if isinstance(listed, list) else None
        with self._state:
            if response.get("id") != f"{_PREFIX}{self._asked}":
                return
            if folders is not None:
                self._folders = folders
            self._is_slow = False
            self._answered.set()

    def folders(self) -> tuple[str, ...]:
        """Absolute paths of existing folders, with every link resolved."""
        if not self._asked:
            self.ask()
        if not self._answered.is_set() and not self._is_slow:
            self._is_slow = not self._answered.wait(SECONDS_FOR_AN_ANSWER)
        with self._state:
            return self._folders


def _folders(roots: list[object]) -> tuple[str, ...]:
    uris = [root.get("uri") for root in roots[:MOST_ROOTS] if isinstance(root, dict)]
    paths = [_path(uri) for uri in uris if isinstance(uri, str) and len(uri) <= LONGEST_ROOT]
    return tuple(dict.fromkeys(os.path.realpath(path) for path in paths if _is_folder(path)))


def _path(uri: str) -> str:
    """The path of a local `file:` URI; empty for any other."""
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("/")
    if scheme.lower() != "file" or host.lower() not in ("", "localhost") or not slash:
        return ""
    return os.fsdecode(unquote_to_bytes(f"/{path}".encode("utf-8", "surrogateescape")))


def _is_folder(path: str) -> bool:
    return bool(path) and "\0" not in path and os.path.isdir(path)  # noqa: PTH112 - pathlib is not loaded
