"""Creating, listing and removing keys."""

from __future__ import annotations

from kodit.application.views.keys import KeysView
from kodit.composition.keys import make_keys
from kodit.domain.errors import UserError
from kodit.domain.keys import KeyScope
from kodit.faces.cli.terminal.output import print_json, print_line, say
from kodit.settings import Settings


def add_key(settings: Settings, name: str, scope: str) -> None:
    """Print the new key alone, so that a script can use it. Raises UserError."""
    if scope not in list(KeyScope):
        raise UserError(f"the scope of a key must be read or write, not {scope!r}")
    print_line(make_keys(settings).add(name, KeyScope(scope)))
    say(f"kodit: this is the key of {name}; it is not stored, and will not be shown again")


def show_keys(settings: Settings, *, as_json: bool) -> None:
    """Print names, scopes and ages."""
    view = KeysView.of(make_keys(settings).list_all())
    if as_json:
        print_json(view)
        return
    width = max((len(key.name) for key in view.keys), default=0)
    for key in view.keys:
        print_line(f"{key.name:<{width}}  {key.scope:<5}  made {key.created_at}")
    if not view.keys:
        say("kodit: there are no keys; `kodit keys add NAME` creates one")


def remove_key(settings: Settings, name: str) -> None:
    """Raises NotFoundError for a name that no key has."""
    keys = make_keys(settings)
    keys.remove(name)
    say(f"kodit: the key {name} was removed")
    if not keys.list_all():
        say(
            "kodit: no keys are left, so a server on the loopback interface answers everyone on "
            "this machine; `kodit keys add NAME` creates one"
        )
