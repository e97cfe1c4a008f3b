"""OpenAPI, derived from the routes, the parameters and the views."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from kodit.application.views import files, indexes, runs, search, standing
from kodit.application.views.serialization import OMITTED
from kodit.faces.rest.problems import PROBLEM_SCHEMA

_VIEWS = (files, indexes, runs, search, standing)


def describe(app: FastAPI) -> None:
    """Have an application describe itself at `/openapi.json` as its answers are."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            schemas = made["components"]["schemas"]
            schemas["Problem"] = dict(PROBLEM_SCHEMA)
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            _describe_query_strings(made)
            for view, name in _optional_fields():
                _make_optional(schemas, view, name)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # how FastAPI has it extended


def _describe_query_strings(made: dict[str, Any]) -> None:
    """A query string has no null, and its cursor is `readOnly` as in a body: no value of one's own
    is one, so that programs that make up requests leave it out."""
    for path in made["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                _drop_null(parameter["schema"])
                if parameter["name"] == "cursor":
                    parameter.update(_as_object("page", {"cursor": parameter["schema"]}))


def _as_object(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Parameters of a query string as one object, of which each property is sent by its own name;
    only to properties does `readOnly` apply."""
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"name": name, "style": "form", "explode": True, "schema": schema}


def _drop_null(schema: dict[str, Any]) -> None:
    kinds = [one for one in schema.pop("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) == 1:
        schema |= kinds[0]
    elif kinds:
        schema["anyOf"] = kinds


def _optional_fields() -> Iterator[tuple[str, str]]:
    """Views, and those of their fields that are left out where there is nothing to say."""
    for module in _VIEWS:
        for view in vars(module).values():
            if isinstance(view, type) and is_dataclass(view):
                for field in fields(view):
                    if OMITTED in field.metadata:
                        yield view.__name__, field.name


def _make_optional(schemas: dict[str, Any], view: str, name: str) -> None:
    schema = schemas.get(view)
    if schema is None:
        return
    schema["required"] = [one for one in schema.get("required", ()) if one != name]
    described = schema["properties"][name]
    described.pop("default", None)
    _drop_null(described)
