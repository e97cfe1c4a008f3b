"""Builds the watcher of indexed folders, for the one process that serves a data directory."""

from __future__ import annotations

from kodit.application.services.watch_service import WatchService
from kodit.composition.application import Application
from kodit.infrastructure.watching.folder_watch import FolderWatch


def make_watching(application: Application) -> WatchService:
    """A service to run once; the application's answers use its findings."""
    return WatchService(
        database=application.database,
        queue=application.queue,
        watcher=FolderWatch(application.data_dir / "watch"),
        changes=application.known_changes,
        host=application.this_host,
    )
