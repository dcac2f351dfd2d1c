"""Replies in the shapes that redis-py gives them."""

from __future__ import annotations

from typing import Any


def is_ok(reply: Any) -> bool:
    """OK as True."""
    return reply == "OK"


def ok_or_none(reply: Any) -> bool | None:
    """OK as True; nothing done as None."""
    return True if reply == "OK" else None


def as_float(reply: Any) -> float | None:
    """A number's text as a float."""
    return None if reply is None else float(reply)


def as_dict(reply: list[Any]) -> dict[Any, Any]:
    """Names and values in turn as a dict."""
    parts = iter(reply)
    return dict(zip(parts, parts))


def scored(reply: list[Any], convert: Any = float) -> list[tuple[Any, Any]]:
    """Members and scores in turn as pairs."""
    parts = iter(reply)
    return [(member, convert(score)) for member, score in zip(parts, parts)]


def text(reply: Any) -> str:
    """A bulk string as str."""
    return reply.decode() if isinstance(reply, bytes) else reply


def info(reply: Any) -> dict[str, Any]:
    """INFO's lines as a dict; numbers as numbers, comma-separated fields as dicts."""
    found: dict[str, Any] = {}
    for line in text(reply).splitlines():
        if line and not line.startswith("#") and ":" in line:
            name, value = line.split(":", 1)
            found[name] = _info_value(value)
    return found


def _info_value(value: str) -> Any:
    if "," in value and "=" in value:
        return {name: _info_value(part) for name, part in (field.split("=", 1) for field in value.split(","))}
    for convert in (int, float):
        try:
            return convert(value)
        except ValueError:
            continue
    return value
