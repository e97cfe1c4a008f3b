"""The home folder of this user, independent of the current folder."""

from __future__ import annotations

from pathlib import Path

from kodit.domain.errors import SettingError


def home_folder() -> Path:
    """Raises SettingError if this user has none, or `HOME` is a relative path."""
    try:
        home = Path.home()
    except RuntimeError:
        raise SettingError(
            "this user has no home folder; set HOME to an absolute path", code="home_invalid"
        ) from None
    if not home.is_absolute():
        raise SettingError(
            f"HOME must be an absolute path: {str(home)!r} would depend on the current folder",
            code="home_invalid",
            home=str(home),
        )
    return home


def expand_home(path: Path) -> Path:
    """A path with a leading `~` or `~user` replaced by that home folder. Raises SettingError as
    `home_folder` does, and RuntimeError for an unknown user.
    """
    if path.parts[:1] == ("~",):
        return home_folder().joinpath(*path.parts[1:])
    return path.expanduser()
