"""The tools over one small repository, asked by the SDK's own client over HTTP in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent
from tests.support.serving import ServingKodit
from tests.support.sources import commit_all, write_file, write_tree

from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.faces.mcp.server import create_mcp_app

PRICES = '''"""Prices of the shop."""

TAX = 0.19


class Basket:
    """What a customer is about to buy."""

    def __init__(self, currency):
        self.currency = currency
        self.items = []

    def add_item(self, name, price, count=1):
        """Put something into the basket, `count` times; refuses prices below zero."""
        if price < 0:
            raise ValueError(f"the price of {name} is below zero")
        for _ in range(count):
            self.items.append((name, price))

    def total_price(self, with_tax=True):
        """What everything costs together, rounded to cents."""
        total = sum(price for _name, price in self.items)
        return round_price(total * (1 + TAX) if with_tax else total)


def round_price(amount):
    """Round an amount of money to whole cents, half of one to the even cent."""
    cents = round(amount * 100)
    return cents / 100
'''
ORDERS = '''"""Orders of the shop."""

from shop.prices import Basket, round_price


def place_order(basket: Basket, customer):
    """Charge the customer for the basket and write the order down."""
    amount = round_price(basket.total_price())
    customer.charge(amount)
    return {"customer": customer.name, "amount": amount}
'''
Mode = Literal["auto", "legacy"]


class Tools:
    """The tools as a client sees them."""

    def __init__(self, serving: ServingKodit, folder: Path) -> None:
        self.serving = serving
        self.folder = folder

    def call(
        self, name: str, /, *, mode: Mode = "auto", caller: Caller | None = None, **arguments: Any
    ) -> CallToolResult:
        """Call a tool from within the repository."""
        caller = caller or Caller(folder=str(self.folder))

        async def ask(application: Application) -> CallToolResult:
            async with connected(application, caller, mode) as client:
                return await client.call_tool(name, arguments)

        return self.serving.call(ask)

    def text(self, name: str, /, **arguments: Any) -> str:
        """The text of an answer that must not be an error."""
        result = self.call(name, **arguments)
        assert not result.is_error, result
        return text_of(result)

    def refused(self, name: str, /, **arguments: Any) -> str:
        """The text of an answer that must be an error."""
        result = self.call(name, **arguments)
        assert result.is_error, result
        return text_of(result)


def text_of(result: CallToolResult) -> str:
    """The only content of a result. It is not repeated as structured content."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert result.structured_content is None
    return content.text


@asynccontextmanager
async def connected(
    application: Application, caller: Caller, mode: Mode = "auto", **options: Any
) -> AsyncIterator[Client]:
    """The SDK's client over HTTP, as the caller."""
    app = create_mcp_app(application)

    async def as_caller(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "kodit.caller": caller}, receive, send)

    transport = httpx2.ASGITransport(as_caller)
    async with (
        app.running(),
        httpx2.AsyncClient(transport=transport) as http,
        Client(
            streamable_http_client("http://localhost/mcp", http_client=http), mode=mode, **options
        ) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def make_repository(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a git repository of a shop and some other modules."""

    def make() -> Path:
        folder = tmp_path_factory.mktemp("shop")
        write_file(folder / "shop/prices.py", PRICES)
        write_file(folder / "shop/orders.py", ORDERS)
        write_file(folder / "docs/basket.md", "# The basket\n\nIt holds what is bought.\n")
        write_file(folder / "shop/data.bin", b"\0\1\2" * 100)
        write_tree(folder, 24)
        commit_all(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tools(
    make_repository: Callable[[], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tools]:
    """The tools over one indexed repository, which tests only read."""
    folder = make_repository()
    with ServingKodit(tmp_path_factory.mktemp("data") / "kodit") as serving:
        serving.index(folder)
        yield Tools(serving, folder)
