"""The address of a PostgreSQL database, whose password never reaches a message."""

from __future__ import annotations

from copy import copy
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from kodit.domain.errors import SettingError

SCHEMES = ("postgresql://", "postgres://")
_NODE = "kodit_node"
_EXAMPLE = "such as postgresql://kodit@db.example.org/kodit"
_OURS = {
    # Without these, libpq takes several hours to notice that a machine or a network is gone.
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "client_encoding": "utf8",
}


class DatabaseAddress:
    """Where a database is, and how to sign in there."""

    def __init__(self, name: str, url: str, node: str = "") -> None:
        """`node` is the data directory of this process, unless it is in an URL that another process
        has got from `url`. Raises SettingError, naming the setting `name` but never the URL itself,
        which may contain a password even where none belongs.
        """
        url, of_parent = _without_node(url)
        if not url.startswith(SCHEMES):
            raise SettingError(f"{name} must be the address of a PostgreSQL database, {_EXAMPLE}")
        try:
            options = conninfo_to_dict(url)
        except psycopg.Error:
            # libpq quotes the text that it cannot read.
            raise SettingError(
                f"{name} cannot be read as the address of a PostgreSQL database, {_EXAMPLE}"
            ) from None
        _check(name, options)
        self._options: dict[str, Any] = {**_OURS, **options}
        self._url = url
        self.node = node or of_parent
        self.place = _place(options)

    @property
    def options(self) -> dict[str, Any]:
        """What libpq needs for a connection, with the password."""
        return dict(self._options)

    @property
    def has_password(self) -> bool:
        return bool(self._options.get("password"))

    def named(self, name: str) -> DatabaseAddress:
        """The same, by whose connections the server knows them."""
        other = copy(self)
        other._options = {**self._options, "application_name": name}
        return other

    @property
    def url(self) -> str:
        """The address as it was given, with the password, and the node: for another process of this
        user.
        """
        if not self.node:
            return self._url
        return f"{self._url}{'&' if '?' in self._url else '?'}{_NODE}={self.node}"

    def of_node(self, name: str, node: str) -> DatabaseAddress:
        """The same for a node; `name` is that of the setting."""
        return DatabaseAddress(name, self._url, node)

    def __repr__(self) -> str:
        return f"DatabaseAddress({self.place})"


def _without_node(url: str) -> tuple[str, str]:
    """An URL without the node that `url` adds at its end, and the node."""
    before, found, node = url.rpartition(f"{_NODE}=")
    return (before[:-1], node) if found else (url, "")


_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def _check(name: str, options: dict[str, Any]) -> None:
    """A mistake in `sslmode` must not look like a server that is away. A password with a character
    that has a meaning in addresses ends up in other parts."""
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise SettingError(f"sslmode in {name} must be one of {', '.join(_SSL_MODES)}")
    ports = str(options.get("port", "")).split(",")
    parts = [str(options.get(part, "")) for part in ("host", "dbname", "user")]
    if any("@" in part for part in parts) or not all(port.isdigit() for port in ports if port):
        raise SettingError(
            f"{name} has a character in its user or password that must be encoded, such as "
            "%40 for @, %3A for : and %2F for /"
        )


def _place(options: dict[str, Any]) -> str:
    user = f"{options['user']}@" if options.get("user") else ""
    port = f":{options['port']}" if options.get("port") else ""
    host = options.get("host") or "localhost"
    return f"postgresql://{user}{host}{port}/{options.get('dbname', '')}"
