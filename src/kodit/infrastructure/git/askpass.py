"""Handing credentials to git by GIT_ASKPASS: never on a command line, never in a configuration.

git runs the helper with a prompt such as `Password for 'https://user@host': `. The helper answers
only for the server and user of the credentials, so that a redirect to another server does not get
them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

from kodit.domain.source import Credentials
from kodit.infrastructure.temporary import temporary_folder

_HELPER = """\
#!/bin/sh
case "$1" in
    "Username for '$KODIT_ASKPASS_SERVER': ") printf '%s\\n' "$KODIT_ASKPASS_USERNAME" ;;
    "Password for '$KODIT_ASKPASS_AS_IT_IS': "|"Password for '$KODIT_ASKPASS_ESCAPED': ")
        printf '%s\\n' "$KODIT_ASKPASS_PASSWORD" ;;
    *) exit 1 ;;
esac
"""


@contextlib.contextmanager
def askpass_environment(credentials: Credentials, url: str) -> Iterator[dict[str, str]]:
    """Yields the variables that let git use `credentials` for the server of `url`, or None for a
    URL for which git asks no credentials, such as ssh. The helper script holds no secret and exists
    as long as the context lasts.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        yield {}
        return
    with temporary_folder("askpass") as folder:
        helper = folder / "askpass"
        helper.write_text(_HELPER, "ascii")
        helper.chmod(0o700)
        user = credentials.username
        yield {
            "GIT_ASKPASS": str(helper),
            "KODIT_ASKPASS_SERVER": f"{parts.scheme}://{parts.netloc}",
            # The prompt's user name differs between versions of git.
            "KODIT_ASKPASS_AS_IT_IS": f"{parts.scheme}://{user}@{parts.netloc}",
            "KODIT_ASKPASS_ESCAPED": f"{parts.scheme}://{quote(user, safe='')}@{parts.netloc}",
            "KODIT_ASKPASS_USERNAME": credentials.username,
            "KODIT_ASKPASS_PASSWORD": credentials.password,
        }
