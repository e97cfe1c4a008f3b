"""A folder and a git repository, indexed once for all read-only tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.sources import commit_all, write_file

from kodit import Kodit

SHOP: dict[str, str | bytes] = {
    "shop/cart.py": '''"""The cart."""

from shop.prices import round_price

TAX_RATE = 0.19


class Cart:
    """What a customer is about to buy."""

    def __init__(self, owner):
        self.owner = owner
        self.lines = []

    def add(self, article, count=1):
        """Put an article into the cart."""
        for line in self.lines:
            if line.article == article:
                line.count += count
                return line
        line = Line(article, count)
        self.lines.append(line)
        return line

    def total(self):
        """The price of all lines, with tax."""
        amount = sum(line.article.price * line.count for line in self.lines)
        return round_price(amount * (1 + TAX_RATE))


class Line:
    def __init__(self, article, count):
        self.article = article
        self.count = count

    def is_empty(self):
        return self.count == 0

    def doubled(self):
        return self.count * 2
''',
    "shop/prices.py": '''"""Prices."""


def round_price(amount):
    """To whole cents, half a cent up."""
    cents = int(amount * 100 + 0.5)
    return cents / 100


def parse_price(text):
    """A price as people write it."""
    text = text.replace(",", ".").strip("€ ")
    return round_price(float(text))
''',
    "tests/test_prices.py": '''from shop.prices import round_price


def test_round_price():
    """Half a cent goes up."""
    assert round_price(1.005) in (1.0, 1.01)
    assert round_price(2) == 2
''',
    "web/basket.js": """// The basket of the page.
export class Basket {
  add(article, count = 1) {
    for (const line of this.lines) {
      if (line.article === article) {
        line.count += count;
        return line;
      }
    }
    this.lines.push({ article, count });
    return this.lines[this.lines.length - 1];
  }
}
""",
    "web/wishlist.py": '''class Wishlist:
    """What a visitor would like to have."""

    def put(self, article, count=1):
        """Put an article onto the list."""
        for line in self.lines:
            if line.article == article:
                line.count += count
                return line
        line = Line(article, count)
        self.lines.append(line)
        return line
''',
    "docs/guide.md": "# Guide\n\nCall `round_price` before you show a price.\n",
    ".gitignore": "ignored/\n",
    "ignored/secret_plan.py": "round_price = None\n",
    "key.txt": "-----BEGIN RSA PRIVATE KEY-----\nround_price\n",
    "logo.bin": b"\x00\x01round_price\x00",
    "empty.py": "",
}
"""A small project, and what must never be shown of it."""

BANK: dict[str, str | bytes] = {
    "bank/money.py": '''"""Money."""


def round_price(amount):
    """To whole pennies, as a banker rounds."""
    pennies = round(amount * 100)
    return pennies / 100
''',
    "bank/Account.java": """package bank;

public class Account {
    private long balance;

    public void deposit(long amount) {
        if (amount < 0) {
            throw new IllegalArgumentException("negative amount");
        }
        balance += amount;
    }

    public long getBalance() {
        return balance;
    }
}
""",
}


@dataclass(frozen=True)
class Indexed:
    """Kodit with the shop as a folder, index 1, and the bank as a git repository, index 2."""

    kodit: Kodit
    data_dir: Path
    shop: Path
    bank: Path


def write_files(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below a folder."""
    for path, content in files.items():
        write_file(folder / path, content)


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    """Not to be changed by a test."""
    root = tmp_path_factory.mktemp("browsing")
    write_files(root / "shop", SHOP)
    write_files(root / "bank", BANK)
    commit_all(root / "bank")
    with Kodit(root / "data") as kodit:
        kodit.index(root / "shop")
        kodit.index((root / "bank").as_uri())
        yield Indexed(kodit, root / "data", root / "shop", root / "bank")
