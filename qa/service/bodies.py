"""Bodies that a route reads itself, described for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel

Json = dict[str, Any]

_REFERENCE: Final = "#/$defs/"


def described(model: type[BaseModel]) -> Json:
    """``openapi_extra`` of a route whose body is JSON of this model, which does not contain itself."""
    content = {"application/json": {"schema": schema(model)}}
    return {"requestBody": {"required": True, "content": content}}


def schema(model: type[BaseModel]) -> Json:
    """The model's JSON Schema in one piece: the framework knows nothing of its parts, so no reference may be left."""
    whole = model.model_json_schema()
    parts = whole.pop("$defs", {})
    found: Json = _inlined(whole, parts)
    return found


def _inlined(node: Any, parts: Json) -> Any:
    if isinstance(node, list):
        return [_inlined(each, parts) for each in node]
    if not isinstance(node, dict):
        return node
    if str(node.get("$ref", "")).startswith(_REFERENCE):
        return _inlined(parts[node["$ref"].removeprefix(_REFERENCE)], parts)
    return {name: _inlined(value, parts) for name, value in node.items()}
