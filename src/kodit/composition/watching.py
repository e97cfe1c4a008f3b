"""Watching the folders that are indexed, for the one process that serves a data directory."""

from __future__ import annotations

from kodit.application.services.watch_service import WatchService
from kodit.composition.application import Application
from kodit.infrastructure.watching.folder_watch import FolderWatch


def make_watching(application: Application) -> WatchService:
    """A service that is run once; the application's answers know what it finds."""
    return WatchService(
        database=application.database,
        queue=application.queue,
        watcher=FolderWatch(application.data_dir / "watch"),
        changes=application.known_changes,
    )
