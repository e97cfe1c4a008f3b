"""The indexes' references to secrets."""

from __future__ import annotations

from functools import partial

from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.entities import Index
from kodit.domain.errors import NotFoundError
from kodit.domain.this_host import ALONE, ThisHost
from kodit.infrastructure.git.credentials import CredentialStore
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase


class CredentialExaminer:
    """Compares the stored references with the existing secrets. A problem never repeats a
    reference, which may be the secret itself.
    """

    area = Area.CREDENTIALS

    def __init__(
        self, database: SqlDatabase, store: CredentialStore, host: ThisHost = ALONE
    ) -> None:
        """Where several machines share the database, another one than `host` may have a secret."""
        self._host = host
        self._database = database
        self._store = store

    def examine(self) -> list[Problem]:
        faulty = self._faulty()
        # A file that was just replaced is missing for a reader that saw the old row.
        return [problem for problem in self._faulty() if problem in faulty] if faulty else []

    def _faulty(self) -> list[Problem]:
        with self._database.read() as transaction:
            indexes = transaction.indexes.list_all()
        problems = []
        for index in indexes:
            reference = index.credentials
            if reference is None:
                continue
            of = f"the credentials of {index.source}"
            found = partial(
                Problem, code="credentials_missing", fields={"source": str(index.source)}
            )
            if not self._store.is_reference(reference):
                what = f"the stored reference to {of} is not valid"
                remedy = "removes it; then give the source new credentials"
                repair = partial(in_thread, partial(self._forget, index))
                problems.append(found(self.area, what, remedy, index.id, repair))
            elif not (self._host.is_one_of_several or self._store.holds(reference)):
                what = f"the file that holds {of} is missing"
                problems.append(found(self.area, what, "give the source new credentials", index.id))
        return problems

    def _forget(self, index: Index) -> None:
        with self._database.write() as transaction:
            try:
                stored = transaction.indexes.get(index.id).credentials
            except NotFoundError:
                return
            if stored == index.credentials:
                transaction.indexes.update_credentials(index.id, None)
