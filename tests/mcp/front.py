"""`kodit stdio` as a process, and plain messages to it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.command import PATIENCE_SECONDS, KoditCommand, wait_until

from kodit.infrastructure.resident.connecting import connect, handshake

Message = dict[str, Any]


class RunningFront:
    """A front over a data directory; ended at the end of the block."""

    def __init__(self, command: KoditCommand, folder: Path, *arguments: str) -> None:
        self._command = command
        self._folder = folder
        self._arguments = arguments
        self._messages: queue.Queue[Message | None] = queue.Queue()
        self._kept: list[Message] = []
        self._last_id = 0

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kodit", "stdio", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self._command.environment,
            cwd=self._folder,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def close(self) -> None:
        """Close its input, as a client does that disconnects."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.close()

    def send(self, message: Message | bytes) -> None:
        """Send a message, or a line that is not one."""
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def request(self, method: str, **params: Any) -> int:
        """Send a request; its id."""
        self._last_id += 1
        self.send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    def call(self, name: str, *, progress: str | None = None, **arguments: Any) -> int:
        """Send a call of a tool; its id."""
        meta = {} if progress is None else {"_meta": {"progressToken": progress}}
        return self.request("tools/call", name=name, arguments=arguments, **meta)

    def receive(self) -> Message:
        """The next message."""
        message = self._messages.get(timeout=PATIENCE_SECONDS)
        assert message is not None, "the front has ended"
        return message

    def answer(self, request_id: int) -> Message:
        """The response to a request; what comes before it is in `before`."""
        self.before: list[Message] = []
        while (message := self.receive()).get("id") != request_id:
            self.before.append(message)
        return message

    def text(self, name: str, **arguments: Any) -> str:
        """The text with which a tool answers."""
        result = self.answer(self.call(name, **arguments))["result"]
        (content,) = result["content"]
        text: str = content["text"]
        return text

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._messages.put(json.loads(line))
        self._messages.put(None)


def end_server(data_dir: Path, number: signal.Signals = signal.SIGTERM) -> int | None:
    """End the server of a data directory, if there is one, and wait until it is gone; its
    process."""
    connection = connect(data_dir)
    if connection is None:
        return None
    with connection:
        process = handshake(connection).pid
    os.kill(process, number)
    wait_until(lambda: not Path(f"/proc/{process}").exists())
    return process
