"""The settings, and where they are read from.

An option of the command line comes first, then the environment, then `.env` of the user's folder
(`$XDG_CONFIG_HOME/kodit`, by default `~/.config/kodit`), then `.env` of the data directory, then
the default. A data directory may come from another person, so that its `.env` can set only numbers
and levels: nothing about paths, addresses or permissions. Nothing is ever read from the current
folder.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any

from kodit.domain.claiming import QueueOrder
from kodit.domain.descriptions.kinds import ALL_KINDS, DescriptionKind
from kodit.domain.errors import SettingError
from kodit.domain.policy import AllowedCredentials, CallerPolicy
from kodit.domain.this_host import ALONE, ThisHost
from kodit.domain.value_objects import TaskType
from kodit.infrastructure import setting_values
from kodit.infrastructure.another_program import AnotherDatabase, another_database
from kodit.infrastructure.endpoints import settings as endpoint_settings
from kodit.infrastructure.file_sizes import USUAL_LIMIT
from kodit.infrastructure.home import expand_home
from kodit.infrastructure.trust import read_trusted_file, user_folder

PREFIX = "KODIT_"
DATABASE_URL = "KODIT_DATABASE_URL"
ALTERNATIVE_DATA_DIR = Path("~/.kodit-search")
"""The default data directory if another program's database occupies the usual one."""
FILE_NAME = ".env"

_OF_ONE_PROCESS = (
    *("data_dir", "log_level", "sync_every_seconds", "sources", "keys_file", "allowed_hosts"),
    *(
        "allowed_roots",
        "allow_private_addresses",
        "allowed_credentials",
        "git_configuration",
        "git_configuration_for_remote_callers",
        "server",
        "api_key",
        "pager",
    ),
)
"""Settings that affect one process and its clients, but not how it indexes."""


class LogLevel(StrEnum):
    """The lowest level of log lines that are written."""

    AUTO = "auto"
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Settings(endpoint_settings.EndpointSettings):
    """Every setting with its default. Each may be set as `KODIT_` and its name in capitals."""

    data_dir: Path = field(default=Path("~/.kodit"), metadata={"kind": "path"})
    """Holds everything Kodit writes, except `credentials.json`. A relative path starts at the
    current folder, and is refused in a file. Where `~/.kodit/kodit.db` is the database of another
    program, the default is `~/.kodit-search`."""
    database_url: str = field(default="", repr=False, metadata={"kind": "text"})
    """The address of a PostgreSQL database, such as
    `postgresql://kodit@db.example.org/kodit?sslmode=verify-full`, that is used instead of the file
    `kodit.db`; the data directory then holds only clones and what is derived from the database."""
    host: str = field(default="", metadata={"kind": "text"})
    """The name of this machine where several use one PostgreSQL database, unless it is set that of
    the operating system. A folder belongs to the host on which it was added. A container needs a
    name that stays the same when it is started again."""
    shared_folders: tuple[Path, ...] = field(default=(), metadata={"kind": "folders"})
    """The folders that are on every host under the same path, as on a network file system,
    separated by commas or colons: what is below them belongs to no host, and any worker reads
    it."""
    node_searches: bool = True
    """Whether this data directory holds the keyword index and the packed vectors, where several
    share one PostgreSQL database. One that does not leaves searching, and making these, to the
    others."""
    worker_slots: int = 2
    """How many tasks one worker runs at once."""
    lease_seconds: float = 60.0
    """How long a worker holds a task without renewing its claim; at least two heartbeats."""
    heartbeat_seconds: float = 15.0
    """How often a worker renews the claims it holds."""
    stall_seconds: float = 180.0
    """How long a task may show no progress before it is ended and tried again."""
    max_failures: int = 5
    """How many transient failures in a row a task may have before it fails for good."""
    git_answer_seconds: float = 60.0
    """How long to wait for a git server to answer when it is asked for its refs."""
    largest_file_bytes: int = USUAL_LIMIT
    """The largest file that is indexed; a notebook, most of which is output, may have ten times as
    much. `kodit ls --left-out` lists what is larger."""
    git_configuration: bool = True
    """Whether the git configuration of the user counts for sources that are added on this machine,
    as far as it is about the network: proxies, certificates, `insteadOf`, credential helpers and
    the ssh command."""
    git_configuration_for_remote_callers: bool = False
    """The same for sources that callers over the network have added."""
    queue_order: QueueOrder = QueueOrder.PRIORITY
    """`priority`, or `run_first`: finish started runs before starting others."""
    task_limits: Mapping[TaskType, int] = field(default_factory=dict, metadata={"kind": "limits"})
    """How many tasks of a type may run at once over all workers, as in `ENRICH=1,SYNC=4`."""
    keep_runs: int = 20
    """How many runs of an index are kept, however old they are."""
    keep_days: float = 14.0
    """For how many days every run is kept."""
    keep_unused_days: float = 7.0
    """For how many days contents that no index has any more are kept, and after them unused
    embeddings and enrichments, so that a revert, or a switch back to a branch, costs nothing."""
    keep_unused_bytes: int = 256_000_000
    """How many bytes of unused embeddings and enrichments are kept at most, and how many of the
    text of unused contents; the oldest go first."""
    sync_every_seconds: float | None = field(default=None, metadata={"kind": float})
    """How often `kodit serve` and `kodit worker` bring every index up to date that has no interval
    of its own; unless this is set, 1800 for `kodit serve`, and never for `kodit worker`. Folders
    that the server watches are brought up to date when something changes, and every six hours."""
    descriptions: tuple[DescriptionKind, ...] = field(
        default=ALL_KINDS, metadata={"kind": "descriptions"}
    )
    """Which descriptions there are besides the summaries of snippets, separated by commas:
    `overview`, `interface`, `schema`, `commit` and `usage`, or `none`. `kodit describe` shows them;
    those of schemas and commits are also searched, and made while a source is indexed."""
    log_level: LogLevel = LogLevel.AUTO
    """What is logged to standard error: `debug`, `info`, `warning` or `error`; `auto` is `info` for
    `kodit serve` and `kodit worker`, and `error` for other commands, which report failures in a
    sentence."""
    allowed_roots: tuple[Path, ...] = field(default=(), metadata={"kind": "folders"})
    """For callers over the network: they may add folders only below these, which are separated by
    commas or colons; none unless this is set."""
    allow_private_addresses: bool = False
    """For callers over the network: whether a git URL may lead to this machine or to a private
    network. If not, the host is resolved again at each run, and redirects are not followed."""
    allowed_credentials: tuple[AllowedCredentials, ...] = field(
        default=(), metadata={"kind": "credentials"}
    )
    """For callers over the network: the credentials that they may use, separated by commas, as in
    `env:TOKEN@git.example.org`; without a host, the secret may go to any host that they name."""

    sources: tuple[str, ...] = field(default=(), metadata={"kind": "sources"})
    """What `kodit serve` adds and indexes when it starts: git URLs and folders, separated by commas
    or line ends."""
    keys_file: Path | None = field(default=None, metadata={"kind": "file"})
    """Holds the keys of callers over the network; `keys.json` in your own settings folder unless
    this is set. Only digests of the keys are in it."""
    allowed_hosts: tuple[str, ...] = field(default=(), metadata={"kind": "hosts"})
    """Under which names `kodit serve` may be called over the network, besides `localhost` and the
    address that it listens at; separated by commas. A request for, or from a page of, any other is
    refused."""

    server: str = field(default="", metadata={"kind": "text"})
    """The address of a server, such as `https://kodit.example.org`, that commands ask instead of
    working on a data directory of this machine; `--data-dir` on the command line overrules it."""
    api_key: str = field(default="", repr=False, metadata={"kind": "text"})
    """The key that commands send to that server."""

    pager: str = field(default="", metadata={"kind": "text"})
    """What shows output that is longer than the terminal: a command line such as `less -FRX`, or
    `cat` for none; that of `PAGER` unless this is set, or else `less`."""

    @property
    def policy_of_remote_callers(self) -> CallerPolicy:
        """What callers over the network may name."""
        return CallerPolicy(
            allowed_roots=self.allowed_roots,
            allow_private_addresses=self.allow_private_addresses,
            allowed_credentials=self.allowed_credentials,
        )

    @property
    def this_host(self) -> ThisHost:
        """This machine, as the database knows it."""
        if not self.database_url:
            return ALONE
        return ThisHost(self.host or os.uname().nodename, tuple(map(str, self.shared_folders)))

    @property
    def digest(self) -> str:
        """A digest of the settings that affect indexing and answers; two programs with the same
        digest, on one data directory, behave the same."""
        import hashlib  # noqa: PLC0415 - it loads OpenSSL, and few commands compare settings

        values = [
            f"{one.name}={getattr(self, one.name)!r}"
            for one in fields(self)
            if one.name not in _OF_ONE_PROCESS
        ]
        return hashlib.sha256("\n".join(values).encode()).hexdigest()

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None, **options: Any) -> Settings:
        """All settings, each from the first place that has it. `environment` replaces that of this
        process.

        Raises SettingError, naming the variable and where it is set, for an invalid value, and
        UserError for a file that cannot be read or trusted.
        """
        given = {name: value for name, value in options.items() if value is not None}
        places: list[Mapping[str, Any]] = [given]
        places.append(_understood(os.environ if environment is None else environment))
        folder = user_folder()
        if folder is not None:
            places.append(_from_user(folder / FILE_NAME))
        named = _first_of(places).get("data_dir")
        data_dir = _default_data_directory() if named is None else _data_directory(named)
        places.append(_from_data_directory(data_dir / FILE_NAME))
        settings = cls(**_first_of(places) | {"data_dir": data_dir})
        if settings.lease_seconds < 2 * settings.heartbeat_seconds:
            raise SettingError(
                f"{PREFIX}LEASE_SECONDS ({settings.lease_seconds:g}) must be at least twice "
                f"{PREFIX}HEARTBEAT_SECONDS ({settings.heartbeat_seconds:g}): otherwise a worker "
                "loses its tasks"
            )
        if not (settings.node_searches or settings.database_url):
            raise SettingError(
                f"{PREFIX}NODE_SEARCHES can be false only where several data directories share one "
                f"database, which {DATABASE_URL} names"
            )
        settings.check_endpoints()
        return settings


def may_be_set_by_a_data_directory(setting: Field[Any]) -> bool:
    """Whether a setting is a number, a level or several of some names, which is all that a data
    directory may set."""
    kind = _kind(setting)
    return kind in (int, float, "limits", "descriptions") or (
        isinstance(kind, type) and issubclass(kind, Enum)
    )


def _first_of(places: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The value of each setting from the first place that has one."""
    return {name: value for place in reversed(places) for name, value in place.items()}


def _default_data_directory() -> Path:
    """The default data directory, or the alternative if another program's database occupies it."""
    usual = _data_directory(Settings.data_dir)
    return (
        usual
        if another_database(usual / "kodit.db") is None
        else _data_directory(ALTERNATIVE_DATA_DIR)
    )


def other_database_in_default_folder() -> AnotherDatabase | None:
    """The database of another program that occupies the default data directory."""
    return another_database(_data_directory(Settings.data_dir) / "kodit.db")


def _data_directory(named: str | Path) -> Path:
    if not str(named).strip():  # `Path` would make it the current folder
        raise SettingError(
            "the name of the data directory is empty; give a folder, or leave it out"
        )
    try:
        return expand_home(Path(named)).absolute()
    except RuntimeError:
        raise SettingError(
            f"the data directory {named} names the home folder of an unknown user"
        ) from None
    except FileNotFoundError:
        raise SettingError(
            f"the data directory {named} is relative to the current folder, which no longer "
            "exists; give an absolute path"
        ) from None


def _from_user(path: Path) -> dict[str, Any]:
    values = _understood(_read(path), f" in {path}")
    data_dir = values.get("data_dir")
    if data_dir is not None and not (data_dir.is_absolute() or str(data_dir).startswith("~")):
        raise SettingError(
            f"{PREFIX}DATA_DIR in {path} must be an absolute path: {str(data_dir)!r} would "
            "depend on the current folder"
        )
    return values


def _from_data_directory(path: Path) -> dict[str, Any]:
    """Raises SettingError for a setting that a data directory may not set, because its author
    relies on it."""
    if not os.access(path.parent, os.X_OK):
        return {}  # it does not exist, or this user may not enter it, which opening it reports
    found = _read(path, follow=False)
    for setting in fields(Settings):
        if not may_be_set_by_a_data_directory(setting) and found.get(_variable(setting)):
            raise SettingError(
                f"{_variable(setting)} cannot be set in {path}, where only numbers and levels are "
                f"allowed; set it in the environment or in {_users_file()}, and remove it there"
            )
    return _understood(found, f" in {path}")


def _users_file() -> str:
    folder = user_folder()
    return "your settings folder" if folder is None else str(folder / FILE_NAME)


def _read(path: Path, *, follow: bool = True) -> dict[str, str]:
    """The variables of a file; empty if the file does not exist."""
    data = read_trusted_file(path, follow=follow)
    if data is None:
        return {}
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingError(f"{path} is not UTF-8 text; rewrite it") from None
    if "\0" in text:
        raise SettingError(f"{path} is not text; rewrite it")
    from dotenv.parser import parse_stream  # noqa: PLC0415 - most folders have no such file

    found = {}
    for line in parse_stream(io.StringIO(text)):
        if line.error:
            raise SettingError(f"line {line.original.line} of {path} is not of the form NAME=value")
        if line.key is not None and line.value:
            found[line.key] = line.value
    return found


def _understood(found: Mapping[str, str], where: str = "") -> dict[str, Any]:
    """The settings among variables, by name. An empty variable counts as unset."""
    values = {}
    for setting in fields(Settings):
        text = found.get(_variable(setting))
        if text:
            values[setting.name] = _convert(f"{_variable(setting)}{where}", text, _kind(setting))
    return values


def _variable(setting: Field[Any]) -> str:
    return f"{PREFIX}{setting.name.upper()}"


def _kind(setting: Field[Any]) -> Any:
    return setting.metadata.get("kind", type(setting.default))


def _convert(name: str, text: str, kind: Any) -> Any:
    understand = _WAYS.get(kind)
    if understand is not None:
        return understand(name, text)
    if issubclass(kind, Enum):
        try:
            return kind(text.lower())
        except ValueError:
            choices = ", ".join(str(choice) for choice in kind)
            raise SettingError(f"{name} must be one of {choices}, not {text!r}") from None
    return setting_values.number_in(name, text, kind)


_WAYS: dict[Any, Callable[[str, str], Any]] = {
    bool: setting_values.truth_in,
    "path": lambda _name, text: Path(text),
    "text": lambda _name, text: text.strip(),
    "limits": setting_values.limits_in,
    "folders": setting_values.folders_in,
    "credentials": setting_values.credentials_in,
    "sources": setting_values.sources_in,
    "file": setting_values.file_at,
    "hosts": setting_values.hosts_in,
    "descriptions": setting_values.descriptions_in,
    "endpoint": endpoint_settings.endpoint_at,
    "object": endpoint_settings.object_in,
    "headers": endpoint_settings.headers_in,
    "globs": endpoint_settings.globs_in,
    "amount": endpoint_settings.amount_in,
    "verbatim": lambda _name, text: text,
    "path_text": lambda name, text: str(setting_values.file_at(name, text)),
}
"""The parser of each kind of setting, except numbers and levels."""
