"""The keys of callers over the network, which belong to a user and need no data directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodit.settings import Settings

if TYPE_CHECKING:
    from kodit.application.services.key_service import KeyService


def make_keys(settings: Settings) -> KeyService:
    """The keys of the file that the settings name."""
    from kodit.application.services.key_service import KeyService
    from kodit.infrastructure.clock import SystemClock
    from kodit.infrastructure.keys_file import KeysFile

    return KeyService(KeysFile(settings.keys_file), SystemClock())
