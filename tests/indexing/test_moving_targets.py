"""Files that change, vanish or are replaced while their folder is indexed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.faults import FaultyApplication
from tests.support.serving import ServingKodit, states
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import python_function, write_file, write_tree

from kodit import Kodit
from kodit.application.services.extraction_stage import FILES_PER_BATCH

WORDS = "quartz spindle marrow".split()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[ServingKodit]:
    with ServingKodit(tmp_path / "data", FaultyApplication) as serving:
        yield serving


def between_sync_and_extract(serving: ServingKodit, folder: Path) -> None:
    """Changes of the folder after the scan and before the first file is read."""
    assert isinstance(serving.application, FaultyApplication)
    serving.application.faults.hooks.clear()
    (folder / "vanishing.py").unlink()
    (folder / "folder.py").unlink()
    (folder / "folder.py").mkdir()
    (folder / "link.py").unlink()
    (folder / "link.py").symlink_to("/etc/passwd")
    (folder / "pipe.py").unlink()
    os.mkfifo(folder / "pipe.py")
    write_file(folder / "growing.py", "x = 1\n" * 300_000)
    write_file(folder / "changing.py", python_function("later", WORDS))


@pytest.mark.parametrize("is_known", [False, True], ids=["at first", "later"])
def test_between_the_scan_and_the_read(
    serving: ServingKodit, tmp_path: Path, *, is_known: bool
) -> None:
    """Vanished files are removed, changed ones are indexed as read, nothing outside is read, and
    the run continues; the next one gives the same as a fresh index.
    """
    folder = tmp_path / "source"
    write_tree(folder, files=6)
    names = ["vanishing", "folder", "link", "pipe", "growing", "changing"]
    if is_known:
        for name in names:
            write_file(folder / f"{name}.py", python_function("before", WORDS))
        serving.index(folder)
    for name in names:
        write_file(folder / f"{name}.py", python_function(name, WORDS))
    assert isinstance(serving.application, FaultyApplication)
    serving.application.faults.hooks["EXTRACT"] = lambda: between_sync_and_extract(serving, folder)

    run = serving.index(folder)

    assert states(run) == ["succeeded"] * 5
    found = {found.symbol for found in serving.search("quartz", "keyword")}
    assert found == {"later"}
    assert read_rows(serving.data_dir, "SELECT path_id FROM files WHERE status <> ''") == []
    assert serving.call(lambda application: application.indexes.status())[0].summary.skipped == {
        "vanished": 5
    }
    assert not any("root:" in found.text for found in serving.search("root daemon", "keyword"))
    serving.index(folder)
    with Kodit(tmp_path / "fresh") as fresh:
        fresh.index(folder)
    assert take_snapshot(serving.data_dir) == take_snapshot(tmp_path / "fresh")


def test_vanished_files_are_counted_over_all_batches(serving: ServingKodit, tmp_path: Path) -> None:
    """But not files that were deleted before the scan."""
    folder = tmp_path / "source"
    paths = [folder / f"file_{number}.py" for number in range(FILES_PER_BATCH + 6)]
    for path in paths:
        write_file(path, "x = 1\n")

    def remove_all() -> None:
        for path in paths:
            path.unlink(missing_ok=True)

    def skipped() -> dict[str, int]:
        [status] = serving.call(lambda application: application.indexes.status())
        return status.summary.skipped

    assert isinstance(serving.application, FaultyApplication)
    serving.application.faults.hooks["EXTRACT"] = remove_all
    serving.index(folder)
    assert skipped() == {"vanished": len(paths)}

    serving.application.faults.hooks.clear()
    write_file(paths[0], "x = 1\n")
    serving.index(folder)
    paths[0].unlink()
    serving.index(folder)
    assert skipped() == {}


def test_a_folder_that_is_gone(serving: ServingKodit, tmp_path: Path) -> None:
    """The run fails and names it, the index still answers, and indexing continues when the folder
    is back.
    """
    folder = tmp_path / "source"
    write_file(folder / "there.py", python_function("there", WORDS))
    run = serving.index(folder)
    assert run.index_id is not None
    index_id = run.index_id
    folder.rename(tmp_path / "elsewhere")

    run = serving.wait_for(
        serving.call(lambda application: application.indexing.queue_index_tasks(index_id)).id
    )

    assert states(run) == ["failed", *["blocked"] * 4]
    assert run.tasks[0].error == f"the folder {folder} does not exist"
    assert [found.symbol for found in serving.search("quartz", "keyword")] == ["there"]
    (tmp_path / "elsewhere").rename(folder)
    assert serving.retry(run.id).state == "succeeded"
