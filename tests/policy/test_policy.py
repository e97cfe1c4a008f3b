"""What a caller over the network may name, and what the user of this machine may."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path, PurePath

import pytest

from kodit.application.services.index_service import SourceRequest
from kodit.composition import Application
from kodit.domain.errors import RefusedByPolicyError, SourceError, UserError
from kodit.domain.policy import LOCAL, AllowedCredentials, CallerPolicy, is_public
from kodit.domain.value_objects import Source, SourceKind
from kodit.infrastructure.hosts import SystemHostResolver
from kodit.infrastructure.sources.parsing import parse_source
from kodit.settings import Settings

REMOTE = CallerPolicy()


async def add_all(
    requests: Sequence[SourceRequest], policy: CallerPolicy, application: Application
) -> None:
    """Add the sources as a caller with this policy."""
    await application.indexes.add(requests, policy)


def git_source(location: str) -> Source:
    return Source(SourceKind.GIT, location)


def refusal(policy: CallerPolicy, typed: str) -> tuple[str, str]:
    """The refused part of a typed source, and its value."""
    with pytest.raises(RefusedByPolicyError) as refused:
        parse_source(typed, policy=policy)
    assert (refused.value.code, isinstance(refused.value, UserError)) == ("refused_by_policy", True)
    return str(refused.value.fields["what"]), str(refused.value.fields["value"])


# Hosts


def test_a_location_without_a_host() -> None:
    with pytest.raises(RefusedByPolicyError):
        REMOTE.check_source(git_source("https:///x"))


@pytest.mark.parametrize(
    "host",
    [
        # This machine, in each way of writing it.
        *("localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain"),
        *("127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.255.255.254", "0", "0.0"),
        *("2130706433", "017700000001", "0x7f000001", "0X7F000001", "0x7f.1", "0177.0.0.1"),
        *("127.0x0.0.01", "00000177.1", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]"),
        *("[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::a00:1]"),
        *("10.0.0.1", "10.1", "167772161", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "0xa9fea9fe", "2852039166", "100.64.0.1", "198.18.0.1"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1"),
        *("[fe80::1]", "[fc00::1]", "[fd12:3456::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]"),
        *("[::ffff:10.0.0.1]", "[2002:a00:1::]", "[2001:0:a00:1:0:0:f5ff:fffe]", "[4000::1]"),
        # A number at the end, and yet no address: programs differ in what they make of it.
        *(
            "256.1.1.1",
            "1.2.3.4.5",
            "1.2.3.4.0",
            "1.2.3.256",
            "4294967296",
            "0x1ffffffff",
            "1.0x",
            "09.1.1.1",
        ),
        *("x.127", "example.0x7f000001"),
    ],
)
@pytest.mark.parametrize("form", ["https://{}/x", "ssh://git@{}:22/x", "git://{}/x", "git@{}:x/y"])
def test_a_private_host(host: str, form: str) -> None:
    """It is refused without a look-up, in every kind of URL and in ssh's form."""
    what, value = refusal(REMOTE, form.format(host))
    assert (what, value.rstrip(".")) == ("host", host.strip("[]").lower().rstrip("."))
    allowing = CallerPolicy(allow_private_addresses=True)
    assert parse_source(form.format(host), policy=allowing) == parse_source(form.format(host))
    assert allowing.host_to_look_up(git_source(form.format(host))) is None


@pytest.mark.parametrize(
    "network",
    [
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32"),
        *("192.0.0.170/31", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/32"),
        *("2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32"),
        *("2001:4:112::/48", "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001::/23"),
        *("2001:db8::/32", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7"),
        *("fe80::/10", "fec0::/10", "ff00::/8"),
    ],
)
def test_a_special_purpose_network(network: str) -> None:
    """From the first address to the last, and in every IPv6 address that embeds one."""
    block = ip_network(network)
    for address in (block[0], block[-1]):
        assert not is_public(address)
        if isinstance(address, IPv4Address):
            number = int(address)
            for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::"):
                assert not is_public(IPv6Address(int(IPv6Address(prefix)) | number))
            assert not is_public(IPv6Address(0x2002 << 112 | number << 80))
            for server, client in ((number, 0x08080808), (0x08080808, number)):
                teredo = 0x20010000 << 96 | server << 64 | client ^ 0xFFFFFFFF
                assert not is_public(IPv6Address(teredo))


@pytest.mark.parametrize("address", ["8.8.8.8", "192.0.1.0", "2001:200::1", "2606:4700::1111"])
def test_a_public_address(address: str) -> None:
    """Also in the short forms."""
    for host in ("8.255.1", "8.8.65535", "0x8.8"):
        REMOTE.check_source(git_source(f"https://{host}/x"))
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("https://git.example.org@127.0.0.1/x", "127.0.0.1"),
        ("https://git.example.org:443@127.0.0.1:443/x", "127.0.0.1"),
        ("https://git.example.org%40@127.0.0.1/x", "127.0.0.1"),
        ("https://a@git.example.org@localhost/x", "localhost"),
        ("https://git.example.org\\@127.0.0.1/x", "127.0.0.1"),
        ("ssh://git.example.org@10.0.0.1/x", "10.0.0.1"),
        ("git.example.org@10.0.0.1:x", "10.0.0.1"),
        ("https://127.0.0.1/@git.example.org/x", "127.0.0.1"),
    ],
)
def test_a_host_behind_what_looks_like_one(typed: str, host: str) -> None:
    """The text before the `@` is a user name and a password."""
    assert refusal(REMOTE, typed) == ("host", host)


@pytest.mark.parametrize(
    "typed",
    [
        "https://git.example.org#@127.0.0.1/x",
        "https://git.example.org?@127.0.0.1/x",
        "https://127.0.0.1 .example.org/x",
        "https://127.0.0.1%2eexample.org/x",
        "https://[::1%25eth0]/x",
        "https://[::1/x",
        "https:///127.0.0.1/x",
        "https://127.0.0.1:x/y",
        "https://\t127.0.0.1/x",
    ],
)
def test_a_url_that_programs_would_read_differently(typed: str) -> None:
    """It is refused for every caller."""
    for policy in (REMOTE, LOCAL):
        with pytest.raises(SourceError):
            parse_source(typed, policy=policy)


@pytest.mark.parametrize(
    "host",
    [
        "ⓛocalhost",
        "\uff11\uff12\uff17.0.0.1",
        "127。0。0。1",
        "local\u00adhost",
        "münchen.example",
        "faß.example",
    ],
)
def test_a_host_beyond_ascii(host: str) -> None:
    """One program maps it to a local address and another does not."""
    assert refusal(REMOTE, f"https://{host}/x")[0] == "host"
    assert parse_source("https://xn--mnchen-3ya.example/x", policy=REMOTE)


@pytest.mark.parametrize(
    "typed",
    [
        *("https://github.com/a/b", "https://github.com:443/a/b@main", "git@github.com:a/b"),
        *("https://8.8.8.8/x", "https://[2606:4700::1111]/x", "https://134744072/x"),
        *("https://1.example.org/x", "https://0x.org/x", "https://[::ffff:8.8.8.8]/x"),
        # What stands for a public address by another name of it.
        *("https://[::8.8.8.8]/x", "https://[::ffff:0:8.8.8.8]/x", "https://[64:ff9b::808:808]/x"),
        *("https://[2002:808:808::]/x", "https://[2001:0:808:808:0:0:f7f7:f7f7]/x"),
        *("https://user:password@github.com/a/b", "https://localhost.example.org/x"),
    ],
)
def test_a_public_host(typed: str) -> None:
    """Its name is accepted, and has to be looked up."""
    parsed = parse_source(typed, policy=REMOTE)
    assert parsed == parse_source(typed)
    assert REMOTE.host_to_look_up(parsed.source)
    assert LOCAL.host_to_look_up(parsed.source) is None


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "10.0.0.1"],
        ["8.8.8.8", "::1"],
        ["fe80::1%eth0"],
        ["::ffff:169.254.169.254"],
    ],
)
def test_a_name_that_leads_to_a_private_address(addresses: list[str]) -> None:
    """If any of its addresses is private."""
    with pytest.raises(RefusedByPolicyError, match=r"the host git\.example\.org is this machine"):
        REMOTE.check_addresses("git.example.org", addresses)
    REMOTE.check_addresses("git.example.org", ["8.8.8.8", "2606:4700::1111"])


def test_a_name_without_addresses() -> None:
    with pytest.raises(SourceError, match=r"git\.example\.org has no address"):
        REMOTE.check_addresses("git.example.org", [])


def test_the_resolver_of_this_machine() -> None:
    """It knows its own name, and returns nothing for an invalid one."""
    resolver = SystemHostResolver()
    assert set(resolver.addresses("localhost")) & {"127.0.0.1", "::1"}
    assert resolver.addresses("127.1") == ("127.0.0.1",)
    for unknown in ("nothing.invalid", "x" * 300, "a..b", ""):
        assert resolver.addresses(unknown) in ((), ("::1", "127.0.0.1"), ("127.0.0.1", "::1"))


# Folders


@pytest.fixture
def roots(tmp_path: Path) -> CallerPolicy:
    """A policy with the root `allowed`, which contains a link that leads out and one that leads
    in."""
    for name in ("allowed/code", "allowed-not", "secret/code"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "allowed" / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "in").symlink_to(tmp_path / "allowed")
    settings = Settings.load(
        {"KODIT_DATA_DIR": str(tmp_path / "data"), "KODIT_ALLOWED_ROOTS": str(tmp_path / "in")}
    )
    return settings.policy_of_remote_callers


def test_folders_below_the_roots(roots: CallerPolicy, tmp_path: Path) -> None:
    """With links resolved on both sides."""
    for name in ("allowed", "allowed/code", "allowed/code/../code", "allowed/./code/"):
        source = parse_source(str(tmp_path / name), policy=roots).source
        assert source.location.startswith(str(tmp_path / "allowed"))
    with pytest.raises(RefusedByPolicyError):
        parse_source(str(tmp_path / "allowed" / "code"), policy=REMOTE)


@pytest.mark.parametrize(
    "name",
    [
        *("secret", "secret/code", "secret/nothing", "allowed-not", "", ".."),
        *("allowed/../secret", "allowed/code/../../secret", "allowed/out", "allowed/out/code"),
        *("allowed/out/nothing", "allowed/out/code@main", "in/out"),
    ],
)
def test_folders_beside_the_roots(roots: CallerPolicy, tmp_path: Path, name: str) -> None:
    """They are refused in the same words whether they exist or not."""
    typed = os.path.join(tmp_path, name)  # noqa: PTH118 - a Path would take `..` as it is
    what, _ = refusal(roots, typed)
    assert what == "folder"
    real = os.path.realpath(typed)
    with pytest.raises(RefusedByPolicyError, match=re.escape(f"the folder {real} may not")) as told:
        roots.check_source(Source(SourceKind.FOLDER, real))
    assert told.value.fields == {"what": "folder", "value": real}


@pytest.mark.parametrize(
    "name",
    [
        *("allowed/../secret", "allowed/../nothing", "allowed/../.."),
        *("allowed/out", "allowed/out/code", "in/out", "allowed/out/nothing"),
    ],
)
def test_a_folder_is_refused_as_it_was_typed(
    roots: CallerPolicy, tmp_path: Path, name: str
) -> None:
    """The answer reveals neither what exists nor where a link leads."""
    typed = os.path.join(tmp_path, name)  # noqa: PTH118 - a Path would take `..` as it is
    assert refusal(roots, typed) == ("folder", typed)


@pytest.mark.parametrize("typed", [".", "code", "./code", "../allowed", "~", "~root", "~/x", "a:b"])
def test_a_folder_that_depends_on_where_the_server_is(
    roots: CallerPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    """A caller over the network has no folder on this machine."""
    monkeypatch.chdir(tmp_path / "allowed")
    monkeypatch.setenv("HOME", str(tmp_path / "allowed"))
    assert refusal(roots, typed) == ("folder", typed)


def test_what_looks_like_an_address_is_not_looked_for_here(
    roots: CallerPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although a folder of that name exists."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "git@github.com:a").mkdir()
    assert parse_source("git@github.com:a").source.kind is SourceKind.FOLDER
    assert parse_source("git@github.com:a", policy=roots).source.kind is SourceKind.GIT


@pytest.mark.parametrize("form", ["file://{}", "FILE://{}", "file://localhost{}", "File://{}@main"])
def test_local_repositories(roots: CallerPolicy, tmp_path: Path, form: str) -> None:
    """Not even below a root: objects that a repository borrows from others are read as well."""
    typed = form.format(tmp_path / "allowed" / "code")
    assert refusal(roots, typed) == ("file_url", typed)
    for location in (typed, (tmp_path / "allowed").as_uri()):
        with pytest.raises(RefusedByPolicyError) as told:
            roots.check_source(git_source(location))
        assert told.value.fields == {"what": "file_url", "value": location}


# References


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("TOKEN", AllowedCredentials("env:TOKEN")),
        ("env:TOKEN", AllowedCredentials("env:TOKEN")),
        ("_T0@Git.Example.org", AllowedCredentials("env:_T0", "git.example.org")),
        ("env:T@host:8443", AllowedCredentials("env:T", "host:8443")),
        *(
            (text, None)
            for text in ("", "env:", "@host", "T@", "env:T@", "0T", "T-1", "T U", "a:b")
        ),
    ],
)
def test_references_that_an_operator_may_allow(
    text: str, parsed: AllowedCredentials | None
) -> None:
    """The name of a variable, for any host or for one; nothing else, which may be a secret."""
    assert AllowedCredentials.parse(text) == parsed


def test_references_that_the_operator_has_named() -> None:
    """For any host, or for one."""
    policy = CallerPolicy(
        allowed_credentials=(
            AllowedCredentials("env:ANY"),
            AllowedCredentials("env:ONE", "git.example.org"),
            AllowedCredentials("env:PORT", "git.example.org:8443"),
        )
    )
    one, port = (
        git_source("https://git.example.org/x"),
        git_source("https://git.example.org:8443/x"),
    )
    other = git_source("https://evil.example/git.example.org")
    for reference, source in (
        *(("env:ANY", one), ("env:ANY", other), ("env:ONE", one), ("env:ONE", port)),
        ("env:PORT", port),
    ):
        policy.check_reference(reference, source)
    for reference, source in (
        *(("env:ONE", other), ("env:PORT", one), ("env:TWO", one), ("ANY", one), ("env:any", one)),
        ("file:" + "0" * 32, one),
    ):
        with pytest.raises(RefusedByPolicyError) as refused:
            policy.check_reference(reference, source)
        assert refused.value.fields["what"] == "credentials"
    LOCAL.check_reference("env:TWO", one)


def test_a_secret_in_place_of_a_reference_is_not_repeated() -> None:
    with pytest.raises(RefusedByPolicyError) as refused:
        REMOTE.check_reference("ada:s3cret", git_source("https://git.example.org/x"))
    assert "s3cret" not in str(refused.value) + str(refused.value.fields)


@pytest.mark.parametrize(
    "text", ["https://git.example.org/x", "ext::sh -c true", "fd::17", "git@git.example.org:x"]
)
def test_what_is_no_path_is_not_refused_as_one(text: str) -> None:
    """It is refused, if at all, for what it is."""
    CallerPolicy().check_typed(text)
    with pytest.raises(RefusedByPolicyError):
        CallerPolicy().check_typed(text.replace(":", ""))


def test_a_path_that_leads_out_of_an_allowed_folder_is_refused_as_typed() -> None:
    policy = CallerPolicy(allowed_roots=(PurePath("/allowed"),))
    policy.check_typed("/allowed/../allowed/x")
    with pytest.raises(RefusedByPolicyError):
        policy.check_typed("/allowed/../x")
