"""Ways to damage what indexes share."""

from __future__ import annotations

from tests.doctor.damage import noticed_by
from tests.doctor.place import Place

from kodit.domain.diagnosis import Area


@noticed_by(Area.FILES)
def files_lose_their_contents(place: Place) -> None:
    place.sql("UPDATE files SET version_id = version_id + 99999 WHERE path_id < 4")


@noticed_by(Area.FILES)
def contents_in_use_are_marked_as_unused(place: Place) -> None:
    """They would be removed, and are not searched."""
    place.sql("UPDATE versions SET unused_since = 1, unused_bytes = 1 WHERE id < 4")


@noticed_by(Area.FILES)
def contents_that_nobody_has_are_not_marked(place: Place) -> None:
    place.sql(
        "INSERT INTO versions (index_id, path, content_key, digest) VALUES (1, 'lost', ?, 1)", b"1"
    )


@noticed_by(Area.FILES)
def a_deleted_file_keeps_its_snippets(place: Place) -> None:
    place.sql(
        "UPDATE files SET status = 'd' "
        "WHERE path_id = (SELECT min(path_id) FROM files AS other "
        "WHERE other.index_id = files.index_id)"
    )


@noticed_by(Area.FILES)
def files_lose_their_paths(place: Place) -> None:
    place.sql("DELETE FROM paths WHERE id < 4")


@noticed_by(Area.FILES)
def paths_of_no_file_are_stored(place: Place) -> None:
    place.sql("INSERT INTO paths (path) VALUES ('lost')")
