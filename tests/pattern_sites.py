"""Every regular expression of the package, found in its syntax trees, and texts made to slow each down."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from itertools import product
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from qa.ingest.furniture import Rule

ROOT = Path(__file__).resolve().parents[1]
_CALLS = ("compile", "search", "match", "fullmatch", "findall", "finditer", "split", "sub", "subn")
_MOST = 12
"""Letters, and words, of one pattern that are tried: there are lists of hundreds of Chinese words."""
_PAIRED = 4


@dataclass(frozen=True)
class Site:
    """A call of ``re``. ``pattern`` is None where it is put together from what only the running program knows."""

    place: str
    source: str
    """The pattern as the code has it."""
    pattern: re.Pattern[Any] | None
    uses: tuple[str, ...]
    """What is done with it: ``match``, ``fullmatch`` (at one place) or ``search`` (at each place of a text)."""


def sites() -> Iterator[Site]:
    """Those of calls in the code, then those that only the loaded modules hold."""
    written = list(_written())
    yield from written
    seen = {site.pattern for site in written}
    for name, module in sorted(sys.modules.items()):
        if name.startswith("qa."):
            for pattern, uses in _held(list(vars(module).values()), 4):
                if pattern not in seen:
                    seen.add(pattern)
                    yield Site(name, "held", pattern, uses)


def _held(value: Any, depth: int) -> Iterator[tuple[re.Pattern[Any], tuple[str, ...]]]:
    if isinstance(value, re.Pattern):
        yield value, ("match", "search")
    elif isinstance(value, Rule):
        yield value.wording, ("fullmatch",)
    elif depth and isinstance(value, dict):
        yield from _held(list(value.values()), depth - 1)
    elif depth and isinstance(value, tuple | list):
        for each in value:
            yield from _held(each, depth - 1)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        yield from _held([getattr(value, field.name) for field in fields(value)], depth - 1)


def _written() -> Iterator[Site]:
    for path in sorted((ROOT / "qa").rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_call_of_re(node)]
        if calls:
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            for call in calls:
                place = f"{path.relative_to(ROOT)}:{call.lineno}"
                yield Site(place, ast.unparse(call.args[0]), _evaluated(call, vars(module)), _uses(call, tree))


def _is_call_of_re(node: ast.Call) -> bool:
    function = node.func
    named = isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re"
    return named and isinstance(function, ast.Attribute) and function.attr in _CALLS


def _uses(call: ast.Call, tree: ast.Module) -> tuple[str, ...]:
    """Of a pattern with a name, what its module does with that name; where it is handed on, all of it."""
    assert isinstance(call.func, ast.Attribute)
    found = {call.func.attr}
    if call.func.attr == "compile":
        named = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is call]
        targets = [target for node in named for target in getattr(node, "targets", [getattr(node, "target", None)])]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        mentioned = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names]
        used = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.value in mentioned]
        loads = [node for node in mentioned if isinstance(node.ctx, ast.Load)]
        found = set(used) if names and len(used) == len(loads) else {"match", "fullmatch", "search"}
    return tuple(sorted({use if use in ("match", "fullmatch") else "search" for use in found}))


def _evaluated(call: ast.Call, names: dict[str, Any]) -> re.Pattern[Any] | None:
    flags = [arg for arg in call.args[1:] if "re." in ast.unparse(arg)] + [k.value for k in call.keywords]
    try:
        pattern = eval(ast.unparse(call.args[0]), names)
        found = [eval(ast.unparse(flag), names) for flag in flags]
    except NameError:
        return None
    return re.compile(pattern, *(flag for flag in found if isinstance(flag, re.RegexFlag)))


def hard_texts(pattern: re.Pattern[Any], length: int) -> Iterator[Any]:
    """Repetitions of what the pattern is made of, each with an end that it cannot take."""
    letters, words = (_spread(found, _MOST) for found in alphabet(pattern))
    pairs = [*product(_spread(letters, _PAIRED), repeat=2), *product(_spread(words, _PAIRED), repeat=2)]
    units = [*letters, *(a + b for a, b in pairs if a != b), *words]
    for unit in dict.fromkeys(units):
        text = unit * (length // len(unit)) + "\x01"
        yield text.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else text


def _spread(found: list[str], most: int) -> list[str]:
    return found if len(found) <= most else [found[i * len(found) // most] for i in range(most)]


def alphabet(pattern: re.Pattern[Any]) -> tuple[list[str], list[str]]:
    """One character for each thing that it can take, and the runs of characters that it names."""
    letters: dict[str, None] = {}
    words: dict[str, None] = {}
    _collect(parser.parse(pattern.pattern, pattern.flags & ~re.DEBUG), letters, words)
    return list(letters), [word for word in words if len(word) > 1]


_CATEGORIES = {codes.CATEGORY_DIGIT: "7", codes.CATEGORY_SPACE: " \n", codes.CATEGORY_WORD: "w"}


def _collect(items: Any, letters: dict[str, None], words: dict[str, None]) -> None:
    run = ""
    for kind, value in items:
        if kind is codes.LITERAL:
            run += chr(value)
            continue
        words[run], run = None, ""
        _collect_one(kind, value, letters, words)
    words[run] = None
    for word in [word for word in words if word]:
        letters.update(dict.fromkeys(word))
    words.pop("", None)


def _collect_one(kind: Any, value: Any, letters: dict[str, None], words: dict[str, None]) -> None:
    if kind is codes.IN:
        for part, inside in value:
            if part is codes.LITERAL:
                letters[chr(inside)] = None
            elif part is codes.RANGE:
                letters[chr((inside[0] + inside[1]) // 2)] = None
            elif part is codes.CATEGORY:
                letters.update(dict.fromkeys(_CATEGORIES.get(inside, "x")))
            elif part is codes.NEGATE:
                letters.update(dict.fromkeys("x \n中"))
    elif kind in (codes.ANY, codes.NOT_LITERAL):
        letters.update(dict.fromkeys("x \n"))
    elif kind is codes.BRANCH:
        for branch in value[1]:
            _collect(branch, letters, words)
    elif kind in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        _collect(value[2], letters, words)
    elif kind in (codes.SUBPATTERN, codes.ATOMIC_GROUP, codes.ASSERT, codes.ASSERT_NOT):
        _collect(value[-1] if kind is not codes.ATOMIC_GROUP else value, letters, words)
