"""Secrets in code, replaced before the code is sent anywhere.

The expressions look for the forms of well-known credentials, and for literals that are assigned to
names like `password`. They are applied only to texts in which one of their plain words occurs.
"""

from __future__ import annotations

import re

MASK = "[secret]"
MASKING_VERSION = "1"
"""A part of every cache key: what is sent depends on it."""

_WHOLE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[0-9A-Za-z]{36,}\b"
    r"|\bgithub_pat_[0-9A-Za-z_]{22,}\b"
    r"|\bglpat-[0-9A-Za-z_-]{20,}"
    r"|\bxox[abeoprs]-[0-9A-Za-z-]{10,}"
    r"|\bsk-[0-9A-Za-z_-]{20,}"
    r"|\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"
    r"|\bAIza[0-9A-Za-z_-]{35}"
    r"|\bya29\.[0-9A-Za-z_-]{20,}"
    r"|\bnpm_[0-9A-Za-z]{36}\b"
    r"|\bpypi-[0-9A-Za-z_-]{32,}"
    r"|\bhf_[0-9A-Za-z]{30,}\b"
    r"|\beyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{5,}",
    re.DOTALL,
)
_WORDS_OF_WHOLE = (
    *("PRIVATE KEY", "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "xox", "sk-", "sk_", "rk_", "AIza", "ya29.", "npm_", "pypi-", "hf_", "eyJ"),
)
_IN_ADDRESS = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s/:@'\"<>]*:)[^\s/@'\"<>{}$]+(?=@)")
_ASSIGNED = re.compile(
    r"(?P<before>\b[\w.-]*(?:passw(?:or)?d|passphrase|secret|api_?key|access_?key|private_?key|"
    r"auth_?token|access_?token|bearer|credential)[\w.-]*[\"']?\]?\s*(?::\s*[\w\[\], |]+?)?"
    r"(?::?=|:|=>|,)\s*(?:[rbuf]{0,2}))(?P<quote>[\"'`])(?P<value>[^\"'`\n]{6,})(?P=quote)",
    re.IGNORECASE,
)
_WORDS_OF_ASSIGNED = (
    *("passw", "passphrase", "secret", "apikey", "api_key", "accesskey", "access_key"),
    *("privatekey", "private_key", "authtoken", "auth_token", "accesstoken", "access_token"),
    *("bearer", "credential"),
)
_NOT_SECRET = re.compile(r"[\w-]+|.*(?:\{\w*\}|\$\{?\w+|%\(?\w*\)?s|<[^>]+>|\s).*")
"""Words, templates and sentences; a word with a digit and a capital may still be a secret."""


def mask(text: str) -> str:
    """The text with `[secret]` in place of what looks like a secret. The same for the same text."""
    if any(word in text for word in _WORDS_OF_WHOLE):
        text = _WHOLE.sub(MASK, text)
    if "://" in text and "@" in text:
        text = _IN_ADDRESS.sub(lambda found: f"{found['before']}{MASK}", text)
    lowered = text.lower()
    if any(word in lowered for word in _WORDS_OF_ASSIGNED):
        text = _ASSIGNED.sub(_assigned, text)
    return text


def _assigned(found: re.Match[str]) -> str:
    value = found["value"]
    has_all = (
        any(one.isdigit() for one in value)
        and any(one.isalpha() for one in value)
        and not value.isspace()
    )
    if not has_all and _NOT_SECRET.fullmatch(value):
        return found[0]
    if " " in value and not has_all:
        return found[0]
    return f"{found['before']}{found['quote']}{MASK}{found['quote']}"
