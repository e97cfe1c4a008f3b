"""The importance of files, with files made for the purpose."""

from __future__ import annotations

from math import sqrt

import pytest

from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.ranking.graph import ASIDE, MEMBER, GraphFile, importance


def file_at(
    path: str, *mentions: Mention, defines: tuple[str, ...] = (), is_aside: bool = False
) -> GraphFile:
    file = GraphFile(path, "ruby", is_aside=is_aside, defines=dict.fromkeys(defines, 1.0))
    for mention in mentions:
        file.mention(mention)
    return file


def use(
    name: str, qualifier: str = "", kind: MentionKind = MentionKind.CALL, alias: str = ""
) -> Mention:
    return Mention(kind, name, 1, qualifier, alias)


def shares(*mentions: Mention, defines: tuple[tuple[str, ...], ...]) -> dict[str, float]:
    """The share of each name in what the last file uses, if the others define these names; for
    names that several define, the share of the first."""
    files = {
        number: file_at(f"p{number}.rb", defines=names) for number, names in enumerate(defines)
    }
    files[99] = file_at("user.rb", *mentions, defines=("user",))
    found: dict[str, float] = {}
    names = importance(files).names
    for (_, name), share in sorted(names.items(), reverse=True):
        found[name] = share
    whole = sum(names.values())
    return {name: share / whole for name, share in found.items()}


def test_names_of_three_letters_count_and_shorter_ones_do_not() -> None:
    assert shares(use("run"), use("go"), defines=(("run", "go"),)) == {"run": 1.0}


def test_calls_types_and_bases_count_and_nothing_else() -> None:
    kinds = [use("read", kind=MentionKind.READ), use("wrote", kind=MentionKind.WRITE)]
    kinds += [use("kind", kind=MentionKind.TYPE), use("base", kind=MentionKind.INHERITS)]
    found = shares(use("call"), *kinds, defines=(("call", "kind", "base", "read", "wrote"),))
    assert set(found) == {"call", "kind", "base"}


def test_the_tenth_use_counts_less_than_the_first() -> None:
    found = shares(*[use("often")] * 9, use("once"), defines=(("often", "once"),))
    assert found["often"] / found["once"] == pytest.approx(sqrt(9))


def test_a_use_of_an_ambiguous_name_is_divided() -> None:
    found = shares(use("both"), use("one"), defines=(("both", "one"), ("both",)))
    assert found["one"] / found["both"] == pytest.approx(2.0)


def test_a_member_counts_less_than_a_name_in_sight() -> None:
    found = shares(use("get", "pool"), use("one"), defines=(("get", "one"),))
    assert found["get"] / found["one"] == pytest.approx(MEMBER)


def test_a_files_own_definitions_need_no_other_file() -> None:
    assert shares(use("user"), use("one"), defines=(("user", "one"),)) == {"one": 1.0}


@pytest.mark.parametrize(("definers", "counts"), [(8, True), (9, False)])
def test_names_that_too_many_files_define_say_nothing(definers: int, counts: bool) -> None:
    found = shares(use("run"), use("one"), defines=(("one", "run"), *[("run",)] * (definers - 1)))
    assert ("run" in found) is counts


def test_a_member_is_not_the_import_of_its_name() -> None:
    """`pool.match()` beside `import match from elsewhere`."""
    imported = use("match", "elsewhere", MentionKind.IMPORT)
    found = shares(imported, use("match", "pool"), defines=(("match",),))
    assert found == {"match": 1.0}
    assert shares(imported, use("match"), use("one"), defines=(("match", "one"),)) == {"one": 1.0}


def test_an_import_is_known_by_the_name_by_which_the_file_goes_on() -> None:
    imported = use("match", "p0", MentionKind.IMPORT, "fits")
    assert shares(imported, use("fits"), defines=(("match",), ("fits",))) == {"match": 1.0}


def test_uses_of_several_files_add_up() -> None:
    files = {
        0: file_at("p.rb", defines=("one", "two")),
        1: file_at("a.rb", use("one")),
        2: file_at("b.rb", use("one")),
        3: file_at("c.rb", use("two")),
    }
    names = importance(files).names
    assert names[0, "one"] == pytest.approx(2 * names[0, "two"])


def test_a_file_leans_on_another_by_all_names_together() -> None:
    files = {
        0: file_at("p.rb", defines=("one", "two", "three")),
        1: file_at("q.rb", defines=("four",)),
        2: file_at("a.rb", use("one"), use("two"), use("three"), use("four")),
    }
    ranks = importance(files).files
    assert sum(ranks.values()) == pytest.approx(1.0)
    base = ranks[2]
    assert (ranks[0] - base) / (ranks[1] - base) == pytest.approx(3.0)


def test_tests_and_what_is_generated_count_little() -> None:
    files = {
        0: file_at("p.rb", defines=("one",)),
        1: file_at("q.rb", defines=("two",)),
        2: file_at("a.rb", use("one")),
        3: file_at("test_a.rb", use("two"), is_aside=True),
    }
    ranks = importance(files).files
    assert ranks[3] / ranks[2] == pytest.approx(ASIDE)
    assert ranks[0] > ranks[1]
