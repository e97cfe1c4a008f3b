"""Descriptions where several indexes may be meant."""

from __future__ import annotations

import pytest
from tests.support.command import KoditCommand
from tests.support.sources import commit_all, write_file


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> KoditCommand:
    """Over a shop, and a lighthouse with a folder `doc`."""
    folder = tmp_path_factory.mktemp("several").resolve()
    write_file(folder / "shop/cart.py", "class Cart:\n    def pay(self):\n        return 1\n")
    write_file(folder / "lighthouse/lamp.go", "package lamp\n\nfunc Light() int { return 1 }\n")
    write_file(folder / "lighthouse/doc/pages.go", "package doc\n\nfunc Pages() int { return 1 }\n")
    write_file(folder / "lighthouse/text/a.md", "# Title\n\nText.\n")
    for name in ("shop", "lighthouse"):
        commit_all(folder / name)
    kodit = KoditCommand(folder / "data")
    kodit.succeed("index", folder / "shop", folder / "lighthouse")
    return kodit


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("overview nothing", "none of 2 indexes has a folder 'nothing'"),
        ("interface nothing", "none of 2 indexes has a file, folder or module 'nothing'"),
        ("schema nothing", "none of 2 indexes has a table or model 'nothing'"),
        ("commit nothing", "none of 2 indexes has a commit 'nothing'"),
        ("usage nothing", "none of 2 indexes has a definition of 'nothing'"),
        ("usage shop", "none of 2 indexes has a definition of 'shop'"),
        (
            "usage Lights",
            "the index of {folder}/lighthouse has no definition of 'Lights'. Did you mean 'Light'?",
        ),
        ("usage nothing shop", "the index of {folder}/shop has no definition of 'nothing'"),
    ],
)
def test_what_no_index_has(words: str, sentence: str, kodit: KoditCommand) -> None:
    """The error is about all of them, unless one has a similar name."""
    outcome = kodit.run_here("describe", *words.split())
    assert outcome.code == 2
    assert [line for line in outcome.said if not line.startswith("The source")] == [
        f"kodit: {sentence.format(folder=kodit.data_dir.parent)}"
    ]


@pytest.mark.parametrize("kind", ["overview", "interface", "commit"])
def test_one_word_may_be_the_name_of_an_index(kind: str, kodit: KoditCommand) -> None:
    """If it is no subject."""
    named = kodit.run_here("describe", kind, "-s", "lighthouse")
    word = kodit.run_here("describe", kind, "lighthouse")
    assert (word.code, word.out) == (0, named.out)
    folder = kodit.run_here("describe", kind, "nothing", "-s", "lighthouse")
    assert folder.code == 2


def test_code_of_a_folder_of_documents_is_described_on_request(kodit: KoditCommand) -> None:
    for words in ("lighthouse doc", "lighthouse ./doc/", f"{kodit.data_dir.parent}/lighthouse/doc"):
        described = kodit.run_here("describe", "interface", *words.split())
        assert (described.code, "func Pages() int" in described.out) == (0, True), words
    assert "Pages" not in kodit.run_here("describe", "interface", "lighthouse").out
    overview = kodit.run_here("describe", "overview", "lighthouse", "./doc/")
    assert (overview.code, "1 file" in overview.out) == (0, True)


def test_a_folder_without_code_has_nothing_to_describe(kodit: KoditCommand) -> None:
    described = kodit.run_here("describe", "interface", "lighthouse", "text")
    assert (described.code, described.out) == (1, "")
    assert described.said == ["Nothing to describe: no indexed file has public definitions."]


def test_the_title_names_the_folder_that_was_chosen(
    kodit: KoditCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the source, or by the current folder; a subject goes before it."""
    lighthouse = kodit.data_dir.parent / "lighthouse"

    def title(*words: str) -> str:
        return kodit.run_here("describe", *words).out.partition("\n")[0]

    assert title("interface", f"{lighthouse}/doc") == "Public interface of doc"
    assert title("overview", f"{lighthouse}/doc") == "Overview of doc"
    assert title("overview", str(lighthouse)) == f"Overview of {lighthouse}"
    monkeypatch.chdir(lighthouse / "doc")
    assert title("overview") == "Overview of doc"
    assert title("interface") == "Public interface of doc"
    assert title("interface", "lamp.go", "-s", "lighthouse") == "Public interface of lamp.go"
