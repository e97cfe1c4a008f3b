"""Settings that are lists, folders, hosts, numbers and words, one by one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kodit.domain.descriptions.kinds import ALL_KINDS, DescriptionKind
from kodit.domain.errors import SettingError
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.setting_values import (
    LARGEST_NUMBER,
    credentials_in,
    descriptions_in,
    file_at,
    folders_in,
    hosts_in,
    limits_in,
    number_in,
    sources_in,
    truth_in,
)


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are on the disk, whatever separates them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    text = f" {tmp_path}/a ,, ~/link/b{os.pathsep}{tmp_path}/c/../d"
    assert folders_in("NAME", text) == tuple(
        tmp_path.resolve() / one for one in ("a", "real/b", "d")
    )
    for wrong, told in (
        ("a/b", "must be absolute paths; 'a/b' is not one"),
        ("/a\0b", r"names '/a\\x00b', which is not a path"),
        ("~nobody-of-this-name/a", "names '~nobody-of-this-name/a', which is not a path"),
    ):
        with pytest.raises(SettingError, match=f"^NAME {told}"):
            folders_in("NAME", f"/ok,{wrong}")


def test_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert file_at("NAME", " ~/a ") == tmp_path / "a"
    with pytest.raises(SettingError, match=r"^NAME must be an absolute path; 'a' is not one"):
        file_at("NAME", " a ")
    with pytest.raises(SettingError, match=r"^NAME names the home folder of an unknown user"):
        file_at("NAME", "~nobody-of-this-name/a")


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (sources_in, " /a,\n./b\n\n,c ", ("/a", "./b", "c")),
        (hosts_in, " A.example , ,[::1],127.0.0.1", ("a.example", "::1", "127.0.0.1")),
        (hosts_in, "http://a", "must be names of hosts"),
        (hosts_in, "a:80", "must be names of hosts"),
        (hosts_in, "kodit.example:80", "must be names of hosts"),
        (hosts_in, "fe80::1,1:2:3:4:5:6:7:8", ("fe80::1", "1:2:3:4:5:6:7:8")),
        (hosts_in, "1:2:3:4:5:6:7:8:9", "must be names of hosts"),
        (descriptions_in, "all", ALL_KINDS),
        (descriptions_in, " None ", ()),
        (descriptions_in, "", ()),
        (descriptions_in, "all, none", "must be some of"),
        (descriptions_in, "commit, nothing", "must be some of"),
        (truth_in, " Yes ", True),
        (truth_in, "on", True),
        (truth_in, "1", True),
        (truth_in, "OFF", False),
        (truth_in, "0", False),
        (truth_in, "maybe", "must be true or false, not 'maybe'"),
        (limits_in, "enrich=1, SYNC = 4", {TaskType.ENRICH: 1, TaskType.SYNC: 4}),
        (limits_in, "nothing=1", "must be pairs like ENRICH=1"),
        (limits_in, "", "must be pairs like ENRICH=1"),
        (limits_in, "ENRICH=0", "of ENRICH must be larger than 0"),
        (limits_in, "ENRICH", "of ENRICH must be a number"),
    ],
)
def test_lists_and_words(read: Callable[[str, str], object], text: str, value: object) -> None:
    if isinstance(value, str):
        with pytest.raises(SettingError, match=f"^NAME {value}"):
            read("NAME", text)
    else:
        assert read("NAME", text) == value


def test_descriptions_are_in_their_usual_order() -> None:
    first, second = ALL_KINDS[:2]
    found = descriptions_in("NAME", f"{second},{first}, {second}")
    assert found == (first, second)
    assert all(isinstance(one, DescriptionKind) for one in found)


def test_credentials_that_may_be_used() -> None:
    """What is wrong with one is not repeated: it may be the secret."""
    [one, other] = credentials_in("NAME", " env:A@git.example.org, ,env:B@other.example ")
    assert (one, other) == credentials_in("NAME", "env:A@git.example.org,env:B@other.example")
    assert one != other
    with pytest.raises(SettingError, match=r"^NAME must be references") as refused:
        credentials_in("NAME", "env:A,s3cret-5")
    assert "s3cret-5" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("1", int, 1),
        (str(LARGEST_NUMBER), int, LARGEST_NUMBER),
        ("0.001", float, 0.001),
        ("0", int, None),
        ("-1", int, None),
        (str(LARGEST_NUMBER + 1), int, None),
        ("0.5", int, None),
        ("nan", float, None),
        ("inf", float, None),
        ("", int, None),
    ],
)
def test_numbers(text: str, kind: type, value: float | None) -> None:
    if value is None:
        with pytest.raises(SettingError, match=r"^NAME must be "):
            number_in("NAME", text, kind)
    else:
        assert number_in("NAME", text, kind) == value
