"""A proxy that tunnels, and a socket of this machine: both pass bytes on to a server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Passes what arrives at a listening socket on to a port. With `is_proxy`, each connection
    starts with a CONNECT, whose head is kept; the port is the same for all hosts."""

    def __init__(self, listening: socket.socket, port: int, *, is_proxy: bool) -> None:
        self.heads: list[str] = []
        self.refusal = b""
        self._listening, self._port, self._is_proxy = listening, port, is_proxy
        self._open: list[socket.socket] = [listening]
        self._threads = [threading.Thread(target=self._accept)]

    def start(self) -> None:
        self._threads[0].start()

    def stop(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                asking, _address = self._listening.accept()
            except OSError:
                return
            self._open.append(asking)
            if self._is_proxy:
                head = b""
                while not head.endswith(b"\r\n\r\n") and (part := asking.recv(1)):
                    head += part
                self.heads.append(head.decode())
                if self.refusal:
                    asking.sendall(self.refusal)
                    asking.close()
                    continue
            else:
                self.heads.append("")
            serving = socket.create_connection(("127.0.0.1", self._port))
            self._open.append(serving)
            if self._is_proxy:
                asking.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            for source, target in ((asking, serving), (serving, asking)):
                thread = threading.Thread(target=_pass_on, args=(source, target))
                self._threads.append(thread)
                thread.start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(65_536):
            target.sendall(part)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def relay(listening: socket.socket, port: int, *, is_proxy: bool = False) -> Iterator[Relay]:
    """A relay for the length of a block."""
    listening.listen()
    running = Relay(listening, port, is_proxy=is_proxy)
    running.start()
    try:
        yield running
    finally:
        running.stop()
