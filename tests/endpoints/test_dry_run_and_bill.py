"""What a dry run says, what is sent then, and what status shows of it."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.endpoints.stage_work import stage_work
from tests.support.model_server import ModelServer
from tests.support.sources import commit_all, write_file, write_tree

from kodit.application.services import dry_run_service
from kodit.application.views.dry_run import DryRunEndpointView
from kodit.cli import main
from kodit.domain.errors import PermanentError
from kodit.faces.cli.terminal.dry_run import endpoint_lines
from kodit.infrastructure.endpoints.tokenizer import counting


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with some copies, a secret, and a private file."""
    folder = tmp_path / "source"
    write_tree(folder, files=9)
    text = next(folder.rglob("*.py")).read_text()
    write_file(folder / "copy.py", text)
    write_file(folder / "keys.py", "def connect():\n    password = 'correct4Horse'\n" * 3)
    write_file(folder / "private" / "plan.py", "def the_secret_plan():\n    return 'win'\n" * 3)
    write_file(folder / ".kodit-private", "private/\n")
    commit_all(folder)
    return folder


class Kodit:
    """The command, in this process, with the settings of a server."""

    def __init__(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self._patch, self._capture = monkeypatch, capsys
        monkeypatch.setenv("KODIT_DATA_DIR", str(tmp_path / "data"))

    def set(self, **settings: object) -> None:
        for name, value in settings.items():
            self._patch.setenv(f"KODIT_{name.upper()}", str(value))

    def run(self, *arguments: str) -> str:
        self._patch.setattr("sys.argv", ["kodit", *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        told = self._capture.readouterr()
        assert code in (0, None), told.err
        return told.out


@pytest.fixture
def kodit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Kodit:
    return Kodit(tmp_path, monkeypatch, capsys)


def test_a_dry_run_agrees_with_the_bill(kodit: Kodit, server: ModelServer, source: Path) -> None:
    """In texts and characters exactly; what is sent has neither secrets nor private files. A second
    one says that everything is in the cache.
    """
    kodit.set(**server.settings(), embedding_price=0.02)
    before = json.loads(kodit.run("index", "--dry-run", "--json", str(source)))
    assert server.asked == []
    [told] = before["endpoints"]
    assert told["is_exact"]

    kodit.run("index", str(source))
    assert told["texts"] == len(server.texts) == len(set(server.texts))
    assert told["characters"] == sum(map(len, server.texts))
    sent = "\n".join(server.texts)
    assert "correct4Horse" not in sent
    assert "secret_plan" not in sent
    assert before["sources"][0]["private_snippets"] > 0

    status = json.loads(kodit.run("status", "--json"))
    [bill] = status["endpoints"]
    assert bill["texts"] == told["texts"]
    assert bill["calls"] == len(server.asked)
    least, _likely, most = told["input_tokens"]
    assert least <= bill["input_tokens"] <= most
    assert told["least_cost"] <= bill["cost"] <= told["most_cost"]

    [again] = json.loads(kodit.run("index", "--dry-run", "--json", str(source)))["endpoints"]
    assert (again["texts"], again["cached"]) == (0, told["texts"] - 48)
    shown = kodit.run("status")
    assert f"{server.url} (embedding-model), {bill['month']}: {bill['calls']} calls" in shown


def test_a_dry_run_with_descriptions(kodit: Kodit, server: ModelServer, source: Path) -> None:
    """Their texts are not known before; the requests for them are. Afterwards all are."""
    kodit.set(**server.settings("embedding", "enrichment"), enrichment_output_price=1)
    [embedding, chat] = json.loads(kodit.run("index", "--dry-run", "--json", str(source)))[
        "endpoints"
    ]
    assert not embedding["is_exact"]
    assert chat["is_exact"]
    text = kodit.run("index", "--dry-run", str(source))
    assert f"at most {embedding['texts']:,} texts" in text
    assert f"at most {chat['most_output_tokens']:,} output tokens" in text
    assert server.asked == []

    kodit.run("index", str(source))
    chats = [one for one in server.asked if "messages" in one.body]
    assert chat["texts"] == len(chats)
    assert chat["characters"] == sum(
        len(message["content"]) for one in chats for message in one.body["messages"]
    )
    assert chat["most_output_tokens"] == 300 * len(chats)
    embedded = sum(len(one.texts) for one in server.asked if "input" in one.body)
    assert embedded <= embedding["texts"]

    [embedding, chat] = json.loads(kodit.run("index", "--dry-run", "--json", str(source)))[
        "endpoints"
    ]
    assert (chat["texts"], chat["cached"]) == (0, len(chats))
    assert (embedding["texts"], embedding["cached"]) == (0, embedded - 48)
    assert embedding["is_exact"]


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """Words and other characters are tokens, between a start and an end, and texts are cut; as
    published tokenizers do."""
    library = pytest.importorskip("tokenizers")
    unknown = "[UNK]"
    vocabulary = {unknown: 0, "[CLS]": 1, "[SEP]": 2, "def": 3}
    made = library.Tokenizer(library.models.WordLevel(vocabulary, unknown))
    made.pre_tokenizer = library.pre_tokenizers.Whitespace()
    made.post_processor = library.processors.BertProcessing(("[SEP]", 2), ("[CLS]", 1))
    made.enable_truncation(max_length=8)
    made.enable_padding(length=8)
    path = tmp_path / "tokenizer.json"
    made.save(str(path))
    return path


def words_in(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]+", text)) + 2


def test_tokens_by_the_tokenizer_of_the_model(
    kodit: Kodit, server: ModelServer, source: Path, tokenizer: Path
) -> None:
    """Are counted exactly, before and after; those of a chat but for what wraps its messages."""
    server.count = words_in
    exact = {"embedding_tokenizer": tokenizer, "enrichment_tokenizer": tokenizer}
    kodit.set(**server.settings(), embedding_tokenizer=tokenizer, embedding_price=1)
    [told] = json.loads(kodit.run("index", "--dry-run", "--json", str(source)))["endpoints"]
    assert len(set(told["input_tokens"])) == 1
    assert told["least_cost"] == told["most_cost"]
    text = kodit.run("index", "--dry-run", str(source))
    assert f"  {told['input_tokens'][0]:,} input tokens\n" in text
    kodit.run("index", str(source))
    [bill] = json.loads(kodit.run("status", "--json"))["endpoints"]
    assert bill["input_tokens"] == told["input_tokens"][0] == sum(map(words_in, server.texts))
    assert bill["cost"] == told["most_cost"]

    server.count = lambda text: words_in(text) + 3  # such as <|im_start|>user … <|im_end|>
    kodit.set(**server.settings("embedding", "enrichment"), **exact)
    [_embedding, chat] = json.loads(kodit.run("index", "--dry-run", "--json", str(source)))[
        "endpoints"
    ]
    kodit.run("index", str(source))
    bills = json.loads(kodit.run("status", "--json"))["endpoints"]
    [bill] = [one for one in bills if one["endpoint"].startswith("enrichment")]
    assert bill["input_tokens"] == pytest.approx(chat["input_tokens"][0], rel=0.05)


@pytest.mark.parametrize("found", ["no-package", "no-file", "another-file"])
def test_a_tokenizer_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    """One sentence says what to do."""
    path = tmp_path / "tokenizer.json"
    told = "KODIT_EMBEDDING_TOKENIZER needs the package tokenizers; install it with"
    if found == "no-package":
        monkeypatch.setitem(sys.modules, "tokenizers", None)
    else:
        pytest.importorskip("tokenizers")
        told = f"KODIT_EMBEDDING_TOKENIZER names {path}, which is no tokenizer.json: "
    if found == "another-file":
        path.write_text("{}")
    with pytest.raises(PermanentError) as failure:
        counting("KODIT_EMBEDDING_TOKENIZER", str(path), with_ends=True)("def one(): pass")
    assert str(failure.value).startswith(told)
    assert "\n" not in str(failure.value)


def test_a_dry_run_without_endpoints(kodit: Kodit, source: Path, tmp_path: Path) -> None:
    text = kodit.run("index", "--dry-run", str(source))
    assert f"{source}: " in text
    assert "files" in text
    assert not (tmp_path / "data" / "clones").exists()


def test_a_dry_run_reads_each_snippet_once(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run_service, "SNIPPETS_PER_BATCH", 2)
    with stage_work(tmp_path, server) as work:
        batches = list(dry_run_service._batches(work.database, work.index_id))
        read = [one.id for batch in batches for one in batch]
        assert work.sql("SELECT id FROM snippets ORDER BY id") == read
        assert len(batches) > 1


def test_prices_are_asked_for_if_something_would_be_sent() -> None:
    nothing = DryRunEndpointView("e", "m", 0, 0, True, 3, (0, 0, 0), 0, 0.0, 0.0)
    some, paid = replace(nothing, texts=2), replace(nothing, texts=2, least_cost=1.0, most_cost=2.0)
    assert ["no price" in "".join(endpoint_lines(one)) for one in (nothing, some, paid)] == [
        *(False, True, False)
    ]
    assert endpoint_lines(paid)[-1] == "  cost 1.0000 to 2.0000"
