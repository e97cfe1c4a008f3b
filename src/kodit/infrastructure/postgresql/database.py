"""A database of a PostgreSQL server, as the durable store."""

from __future__ import annotations

from kodit.infrastructure.postgresql.address import DatabaseAddress
from kodit.infrastructure.postgresql.dialect import PostgresqlDialect
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase


class PostgresqlDatabase(SqlDatabase):
    """Knows where it is."""

    def __init__(self, address: DatabaseAddress) -> None:
        super().__init__(PostgresqlDialect(address))
        self._address = address

    @property
    def address(self) -> str:
        return self._address.url
