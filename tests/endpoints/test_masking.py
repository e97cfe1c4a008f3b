"""Which texts are taken for secrets, and which parts of code stay as they are."""

from __future__ import annotations

import pytest

from kodit.infrastructure.endpoints.masking import mask

A = "a1" * 60
CAPITALS = "A1" * 8
JOINED = "s3cr3t-Word"
"""A value of digits and letters, which no word of a language is."""


@pytest.mark.parametrize(
    ("before", "shortest"),
    [
        ("AKIA", CAPITALS),
        ("ASIA", CAPITALS),
        *((f"gh{kind}_", A[:36]) for kind in "pousr"),
        ("github_pat_", A[:22]),
        ("glpat-", A[:20]),
        *((f"xox{kind}-", A[:10]) for kind in "abeoprs"),
        ("sk-", A[:20]),
        *((f"{kind}_{mode}_", A[:16]) for kind in ("sk", "rk") for mode in ("live", "test")),
        ("AIza", A[:35]),
        ("ya29.", A[:20]),
        ("npm_", A[:36]),
        ("pypi-", A[:32]),
        ("hf_", A[:30]),
        (f"eyJ{A[:10]}.{A[:10]}.", A[:5]),
        (f"eyJ{A[:10]}.", f"{A[:10]}.{A[:5]}"),
        ("eyJ", f"{A[:10]}.{A[:10]}.{A[:5]}"),
    ],
)
def test_credentials_of_well_known_forms(before: str, shortest: str) -> None:
    """From the length that they have; not as a part of a longer word."""
    assert mask(f"f('{before}{shortest}')") == "f('[secret]')"
    shorter = f"f('{before}{shortest[1:]}')"
    assert mask(shorter) == shorter
    part = f"f('x{before}{shortest}')"
    assert mask(part) == part


@pytest.mark.parametrize("before", ["AKIA", "ASIA"])
def test_identifiers_of_keys_have_one_length(before: str) -> None:
    assert mask(f"{before}{CAPITALS}A") == f"{before}{CAPITALS}A"


@pytest.mark.parametrize("kind", ["", "RSA ", "OPENSSH "])
def test_private_keys(kind: str) -> None:
    """Up to their end, or that of the text if they are cut off."""
    begin, end = f"-----BEGIN {kind}PRIVATE KEY-----", f"-----END {kind}PRIVATE KEY-----"
    assert mask(f"a = '''{begin}\nMII\nx\n{end}'''\nb = 1") == "a = '''[secret]'''\nb = 1"
    assert mask(f"a = '''{begin}\nMII\nx") == "a = '''[secret]"
    public = begin.replace("PRIVATE", "PUBLIC")
    assert mask(public) == public


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://shop:pass@host/db", "postgresql://shop:[secret]@host/db"),
        ("redis://:pass@host", "redis://:[secret]@host"),
        ("git+https://a:b:c@host", "git+https://a:[secret]@host"),
        ("https://shop@host/x:y", "https://shop@host/x:y"),
        ("https://host:80/a@b", "https://host:80/a@b"),
        ("https://shop:{password}@host", "https://shop:{password}@host"),
        ("https://shop:$PASSWORD@host", "https://shop:$PASSWORD@host"),
        ("https://shop:<password>@host", "https://shop:<password>@host"),
        ("a:b@c", "a:b@c"),
    ],
)
def test_passwords_in_addresses(text: str, masked: str) -> None:
    assert mask(f"x = '{text}'") == f"x = '{masked}'"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "PASSWD", "db_password_2", "passphrase", "client_secret", "Secret.value"),
        *("apikey", "API_KEY", "accessKey", "access_key", "privateKey", "private_key"),
        *("authToken", "auth_token", "accessToken", "access_token", "bearer", "credentials"),
    ],
)
@pytest.mark.parametrize(
    "assignment",
    [
        "{name} = '{value}'",
        '{name}: "{value}"',
        '"{name}": "{value}"',
        "{name} := `{value}`",
        "'{name}' => '{value}'",
        "{name}: str = '{value}'",
        "{name}: Optional[str] = r'{value}'",
        "env['{name}'] = b'{value}'",
        "set('{name}', '{value}')",
    ],
)
def test_what_is_assigned_to_a_telling_name(name: str, assignment: str) -> None:
    text = assignment.replace("{name}", name)
    assert mask(text.replace("{value}", JOINED)) == text.replace("{value}", "[secret]")


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ("abc12", False),
        ("abc123", True),
        ("correct", False),
        ("correct-horse", False),
        ("correct horse", False),
        ("correct horse 7", True),
        ("123456", False),
        ("!$%&/()=", True),
        ("{password}", False),
        ("a{password}b", False),
        ("${PASSWORD}", False),
        ("$PASSWORD", False),
        ("%(password)s", False),
        ("<your password>", False),
        ("p@ssword", True),
        ("{password}1", True),
    ],
)
def test_values_that_may_be_secrets(value: str, is_secret: bool) -> None:
    """Not words, templates and sentences, unless they have digits and letters."""
    expected = "[secret]" if is_secret else value
    assert mask(f"password = '{value}'") == f"password = '{expected}'"


@pytest.mark.parametrize(
    "text",
    [
        f"name = '{JOINED}'",
        f"password(x, y, '{JOINED}')",
        f"password == '{JOINED}'",
        f"password = find('{JOINED}')",
        f"password = '{JOINED}\"",
        "password = ''",
        "",
    ],
)
def test_other_code_stays(text: str) -> None:
    assert mask(text) == text


def test_a_text_with_several() -> None:
    text = f"token = 'sk-{A[:30]}'\nurl = 'ftp://a:b@c'\napi_key = '{JOINED}'\n"
    masked = "token = '[secret]'\nurl = 'ftp://a:[secret]@c'\napi_key = '[secret]'\n"
    assert mask(text) == mask(masked) == masked
