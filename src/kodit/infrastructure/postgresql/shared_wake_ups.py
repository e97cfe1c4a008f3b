"""The wake-ups of a process, shared with those of all other processes on a server."""

from __future__ import annotations

import logging
import threading

from kodit.domain.errors import TransientError
from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.wake_up import NotifyChannel
from kodit.infrastructure.wake_up import WakeUps

log = logging.getLogger(__name__)


class SharedWakeUps(WakeUps):
    """Also tells other processes, and hears them while it listens. Its channel is opened when it is
    first needed."""

    def __init__(self, address: DatabaseAddress) -> None:
        super().__init__()
        self._address = address
        self._opening = threading.Lock()
        self._channel: NotifyChannel | None = None
        self._state = threading.Lock()
        self._sender: threading.Thread | None = None

    def notify(self) -> None:
        super().notify()
        with self._state:
            if self._channel is not None:
                self._channel.notify()
            elif self._sender is None:
                # Connecting takes too long for whoever notifies.
                sender = threading.Thread(target=self._send, daemon=True, name="kodit notify")
                try:
                    sender.start()
                except RuntimeError as error:
                    _tell(error)
                else:
                    self._sender = sender

    def listen(self) -> None:
        """Hear other processes from now on; blocks until that is so. Raises TransientError."""
        with self._opening:
            if self._channel is None:
                self._channel = NotifyChannel(self._address, super().notify)

    def close(self) -> None:
        """Tell what is not told yet, and end the channel."""
        sender = self._sender
        if sender is not None:
            sender.join()
        if self._channel is not None:
            self._channel.close()

    def _send(self) -> None:
        try:
            self.listen()
        except (TransientError, OSError, RuntimeError) as error:
            _tell(error)
        finally:
            with self._state:
                self._sender = None
                if self._channel is not None:
                    self._channel.notify()


def _tell(error: Exception) -> None:
    """Neither connections nor threads may be scarce; workers also look by themselves."""
    log.info("other processes are not told of a change", extra={"error": str(error)})
