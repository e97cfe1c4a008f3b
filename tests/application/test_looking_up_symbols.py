"""The order, the pages and the completeness of an answer about a name."""

from __future__ import annotations

import pytest
from tests.support.catalogue import CodeInMemory, Names

from kodit.application.services import symbol_service
from kodit.application.services.symbol_service import LONGEST_NAME, MOST_SPELLINGS
from kodit.domain.errors import InvalidQueryError
from kodit.domain.symbols import SymbolAnswer, SymbolRequest

FILLER = "# filler\n" * 30


def ask(code: CodeInMemory, name: str, **asked: object) -> SymbolAnswer:
    return code.lookup().find(SymbolRequest(name, **asked))  # type: ignore[arg-type]


def answered(texts: dict[str, str], name: str, **asked: object) -> SymbolAnswer:
    return ask(CodeInMemory(texts), name, **asked)


def defined(answer: SymbolAnswer) -> list[str]:
    return [one.snippet.path for one in answer.definitions]


def used(answer: SymbolAnswer) -> list[tuple[str, int, str]]:
    return [(one.use.value, one.line, one.snippet.path) for one in answer.references]


RUN = "def run():\n    return 1\n"


def test_definitions_in_tests_examples_generated_code_and_documents_come_last() -> None:
    aside = ["examples/a.py", "tests/a.py", "vendor/a.py"]
    texts = dict.fromkeys(["z.py", *aside, "b.py"], RUN) | {"a.md": "# Run\n\nwords\n"}
    assert defined(answered(texts, "run")) == ["b.py", "z.py", *aside, "a.md"]


def test_definitions_are_by_source_path_and_line() -> None:
    code = CodeInMemory({"z.py": RUN}, {"a.py": f"{RUN}{FILLER}\n\nclass A:\n    x = 1\n\n{RUN}"})
    answer = ask(code, "run")
    assert (answer.definitions[0].snippet.index_id, answer.definitions[0].line) == (1, 1)
    lines = [one.line for one in answer.definitions if one.snippet.index_id == 2]
    assert lines == sorted(lines)
    assert all(one.snippet.text for one in answer.definitions)


def test_the_text_of_a_definition_is_its_own_lines() -> None:
    """Also if a snippet has others before and after it."""
    around = "def first():\n    return 0\n\n\n{}\n\ndef last():\n    return 2\n"
    [only] = answered({"a.py": around.format(RUN)}, "run").definitions
    assert (only.snippet.start_line, only.snippet.end_line) == (5, 6)
    assert only.snippet.text == RUN.rstrip()


def test_values_come_after_other_definitions_unless_they_are_spelled_as_asked() -> None:
    texts = {
        "a.py": f"size = 1\n{FILLER}",
        "b.py": "def size(): ...\n",
        "c.py": "def Size(): ...\n",
    }
    assert defined(answered(texts, "size")) == ["b.py", "a.py", "c.py"]
    assert defined(answered(texts, "size", kinds=("variable",))) == ["a.py"]
    assert defined(answered(texts, "size", kinds=("function",))) == ["b.py", "c.py"]


USES = """\
from a import run
# run
x = run
run()


def f():
    run()
"""


def test_uses_are_by_kind_and_then_by_place() -> None:
    """The line of a definition is not a use."""
    answer = answered({"z.py": USES, "b.py": USES, "a.py": RUN}, "run")
    assert used(answer) == [
        *[("call", line, path) for path in ("b.py", "z.py") for line in (4, 8)],
        *[("import", 1, "b.py"), ("import", 1, "z.py")],
        *[("read", 3, "b.py"), ("read", 3, "z.py")],
        *[("text", 2, "b.py"), ("text", 2, "z.py")],
    ]
    assert answer.is_complete
    assert not answer.has_more


@pytest.mark.parametrize(
    ("asked", "line"), [("callers", 4), ("imports", 1), ("implementations", 11)]
)
def test_only_some_uses(asked: str, line: int) -> None:
    texts = {"z.py": f"{USES}\n\nclass G(run): ...\n", "a.py": RUN}
    answer = answered(texts, "run", uses=asked)
    assert answer.references[0].line == line
    assert len({one.use for one in answer.references}) == 1


@pytest.mark.parametrize(
    ("limit", "offset", "lines", "is_complete", "has_more"),
    [
        (2, 0, [4, 8], False, True),
        (2, 2, [1, 3], False, True),
        (3, 2, [1, 3, 2], True, False),
        (5, 0, [4, 8, 1, 3, 2], True, False),
        (2, 6, [], True, False),
    ],
)
def test_pages(
    limit: int, offset: int, lines: list[int], is_complete: bool, has_more: bool
) -> None:
    answer = answered({"z.py": USES, "a.py": RUN}, "run", limit=limit, offset=offset)
    assert [one.line for one in answer.references] == lines
    assert (answer.is_complete, answer.has_more) == (is_complete, has_more)
    assert len(answer.definitions) == (offset == 0)


def test_pages_of_definitions() -> None:
    texts = {f"{name}.py": RUN for name in "abc"}
    answer = answered(texts, "run", limit=2)
    assert (defined(answer), answer.is_complete, answer.has_more) == (["a.py", "b.py"], False, True)
    answer = answered(texts, "run", limit=2, offset=2)
    assert (defined(answer), answer.is_complete, answer.has_more) == (["c.py"], True, False)
    answer = answered(texts, "ru*", limit=2)
    assert (defined(answer), answer.is_complete, answer.has_more) == (["a.py", "b.py"], False, True)


def test_an_answer_is_not_complete_where_not_all_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = CodeInMemory({"z.py": USES, "a.py": RUN})
    assert ask(code, "run").is_complete
    code.names.leaves_out = frozenset({1})
    assert not ask(code, "run").is_complete
    code.names.leaves_out = frozenset()
    monkeypatch.setattr(symbol_service, "MOST_CANDIDATES", 2)
    texts = {f"{name}.py": f"from a import {name}\n\n\n{name}()\n" for name in ("one", "two")}
    texts |= {"a.py": f"def one(): ...\n{FILLER}\n\n{RUN}", "b.py": RUN}
    assert not answered(texts, "run").is_complete  # of what defines it
    texts |= {"c.py": "one()\n", "d.py": "one()\n"}
    assert not answered(texts, "one").is_complete  # of what uses it
    assert answered(texts, "two").is_complete


@pytest.mark.parametrize("name", ["Box.run", "run"])
def test_of_two_versions_of_a_file_the_later_one_is_told(name: str) -> None:
    """Until all of a file is embedded, its earlier snippets exist too."""
    code = CodeInMemory({"a.py": f"class Box:\n    def run(self): ...\n{FILLER}\n\nBox().run()\n"})
    (first, *_), last = code.stored, code.stored[-1]
    whole = ask(code, name)
    code.old = {last.id}
    assert [one.line for one in ask(code, name).references] == []
    code.old = {one.id for one in code.stored}
    assert [one.line for one in ask(code, "run").references] == [
        one.line for one in whole.references
    ]
    assert first.id != last.id


def test_a_definition_that_the_keyword_index_lacks_is_a_later_version() -> None:
    """Of its file: uses in an earlier version are no longer listed."""
    code = CodeInMemory({"a.py": f"{RUN}{FILLER}\n\nprint(run())\n"})
    last = code.stored[-1]
    assert len(ask(code, "run").references) == 1
    code.old, code.names = {last.id}, Names([last])
    assert ask(code, "run").references == ()


def test_names_are_looked_up_as_they_are_spelled_in_code() -> None:
    texts = {f"{name}.py": f"def {name}(): ...\n\n\n{name}()\n" for name in ("RUN", "Run", "rUn")}
    assert {one.snippet.path for one in answered(texts, "run").references} == {
        f"{name}.py" for name in ("RUN", "Run", "rUn")
    }
    assert [one.snippet.path for one in answered(texts, "Run").references] == ["Run.py"]
    more = ("runn", "ruNn", "rUnn", "Runn", "RUnn")
    texts = {f"{name}.py": f"def {name}(): ...\n\n\n{name}()\n" for name in more}
    assert len(answered(texts, "RUNN").references) == MOST_SPELLINGS == 4


def test_what_was_meant_is_told_where_nothing_is_found() -> None:
    """Not on a further page, and not for an external name that is only used."""
    texts = {"a.py": "def runner(): ...\n\n\nelsewhere()\n"}
    assert answered(texts, "runer").near == ("runner",)
    assert answered(texts, "runner").near == ()
    assert answered(texts, "runer", offset=1).near == ()
    assert answered(texts, "elsewhere").near == ()
    assert answered(texts, "Box.runner").near == ("runner",)


def test_callees_of_the_best_definitions_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbol_service, "MOST_CALLING", 2)
    texts = {
        f"{name}.py": f"from z import {name}_1\n\n\ndef run():\n    {name}_1()\n    {name}_2()\n"
        for name in "abc"
    }
    texts |= {"z.py": "def a_1(): ...\n\n\nclass B:\n    def b_2(self): ...\n"}
    answer = answered(texts, "run", uses="callees")
    assert [one.name for one in answer.references] == ["a_1", "a_2", "b_1", "b_2"]
    assert len(answer.definitions) == 3
    found = {one.name: one.target and one.target.path for one in answer.references}
    assert found == {"a_1": "z.py", "a_2": None, "b_1": None, "b_2": None}


def test_the_longest_name() -> None:
    assert LONGEST_NAME == 300
    assert answered({"a.py": RUN}, "x" * LONGEST_NAME).definitions == ()
    assert answered({"a.py": RUN}, "\udcff").definitions == ()
    with pytest.raises(InvalidQueryError, match="301 characters; at most 300"):
        answered({"a.py": RUN}, "x" * (LONGEST_NAME + 1))
