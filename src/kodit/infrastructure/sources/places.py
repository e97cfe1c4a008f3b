"""Where this machine has the files of sources: folders in place, git sources in the clones of a
data directory.

Where several machines share a database, each has clones of its own, which may be older or newer
than the commit that is indexed, or missing. `to_read` brings the one that is needed.
"""

from __future__ import annotations

from pathlib import Path

from kodit.application.services.threads import in_thread
from kodit.domain.entities import Index
from kodit.domain.errors import SecretElsewhereError, SourceError
from kodit.domain.report import ignore_report
from kodit.domain.source import Credentials
from kodit.domain.this_host import ALONE, ThisHost
from kodit.infrastructure.git.credentials import CredentialStore, SecretExchange
from kodit.infrastructure.sources.location import Location, NetworkAccess, location_of


class SourcePlaces:
    """The places of sources for one data directory."""

    def __init__(
        self,
        data_dir: Path,
        host: ThisHost = ALONE,
        exchange: SecretExchange | None = None,
        *,
        uses_user_configuration: bool = False,
        uses_user_configuration_for_remote: bool = False,
    ) -> None:
        """`host` is this machine. The two `uses_user_configuration` parameters say whether the
        network settings of the user's git configuration are used, for sources added on this machine
        and for those added by remote callers.
        """
        self.clones = data_dir / "clones"
        self.secrets = CredentialStore(data_dir, exchange=exchange)
        self._host = host
        self._hears_user = (uses_user_configuration, uses_user_configuration_for_remote)

    def of(self, index: Index) -> Location:
        """Where the files of an index are. Raises SourceError for a folder of another machine."""
        self._host.check(index.source)
        location = location_of(index, self.clones)
        return location._replace(may_lack=self._host.is_one_of_several)

    def to_read(self, index: Index) -> Location:
        """The same, with the indexed commit in the clone of a git source. Synchronous: may fetch.

        Raises SourceError for a source that refuses access, TransientError for one that cannot be
        reached, CommitGoneError if it does not have the commit any more.
        """
        location = self.of(index)
        if self.lacks_commit(index):
            from kodit.infrastructure.sources.child_functions import (  # noqa: PLC0415 - rare
                hold_commit,
            )

            hold_commit(
                location,
                str(index.working_copy.commit),
                self.reveal(index),
                self.access_to(index),
                report=ignore_report,
            )
        return location

    async def present(self, index: Index) -> Location:
        """The same for a coroutine."""
        if self.lacks_commit(index):
            return await in_thread(lambda: self.to_read(index))
        return self.of(index)

    def lacks_commit(self, index: Index) -> bool:
        """Whether the clone on this machine may lack the indexed commit, as another machine has
        read it."""
        location = location_of(index, self.clones)
        commit = index.working_copy.commit
        if not self._host.is_one_of_several or location.is_folder or commit is None:
            return False
        from kodit.infrastructure.git.clone import has_files_of  # noqa: PLC0415 - not for folders

        return not has_files_of(Path(location.path), commit)

    def access(self, *, is_confined: bool, is_remote: bool) -> NetworkAccess:
        """How a git server is reached for a source."""
        return NetworkAccess(is_confined, self._hears_user[is_remote])

    def access_to(self, index: Index) -> NetworkAccess:
        return self.access(is_confined=index.is_confined, is_remote=index.is_remote)

    def reveal(self, index: Index) -> Credentials | None:
        """The secret that an index refers to, as `SourceReader.reveal`. Where another machine may
        have it, its absence is a SecretElsewhereError."""
        if index.credentials is None:
            return None
        try:
            return self.secrets.load(index.credentials, index.source)
        except SourceError as error:
            if not self._host.is_one_of_several:
                raise
            told = f"the host {self._host.name} cannot read {index.source}: {error}"
            if error.code == "credentials_missing":
                told = (
                    f"the host {self._host.name} does not have the credentials of {index.source}; "
                    "if they are given as env:NAME, each host with that variable can read it"
                )
            elsewhere = SecretElsewhereError(told, code=error.code)
            elsewhere.fields = error.fields
            raise elsewhere from None
