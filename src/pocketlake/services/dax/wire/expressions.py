"""Expressions on the wire: CBOR trees, which become the text that DynamoDB reads.

[1, tree, values]: names are put in already, values stand behind the tree and are named in it by their number. The text
has a placeholder for each, and parentheses only where they are needed: DynamoDB refuses needless ones.
"""

from __future__ import annotations

from typing import Any

from . import values
from .scanning import Malformed
from .values import Ordinal, Value

FORMAT = 1
COMPARISONS = {0: "=", 1: "<>", 2: "<", 3: ">=", 4: ">", 5: "<="}
AND, OR, NOT, BETWEEN, IN = 6, 7, 8, 9, 10
FUNCTIONS = {
    11: "attribute_exists",
    12: "attribute_not_exists",
    13: "attribute_type",
    14: "begins_with",
    15: "contains",
    16: "size",
    23: "if_not_exists",
    24: "list_append",
}
VARIABLE, PATH = 17, 18
SET, ADD, DELETE, REMOVE = 19, 20, 21, 22
CLAUSES = {SET: "SET", ADD: "ADD", DELETE: "DELETE", REMOVE: "REMOVE"}
PLUS, MINUS = 25, 26

Path = tuple[str | int, ...]


class Texts:
    """Writes the expressions of one request, and gathers the names and values that they use."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Value] = {}
        self._placeholders: dict[str, str] = {}
        self._variables: list[str] = []

    def put_into(self, request: dict[str, Any]) -> None:
        if self.names:
            request["ExpressionAttributeNames"] = self.names
        if self.values:
            request["ExpressionAttributeValues"] = self.values

    def condition(self, data: Any) -> str:
        """Of a condition, a key condition or a filter. Raises Malformed."""
        return self._condition(self._open(data))

    def update(self, data: Any) -> str:
        clauses: dict[int, list[str]] = {}
        for action in _list(self._open(data)):
            code, *operands = _coded(action)
            if code not in CLAUSES or len(operands) != (1 if code == REMOVE else 2):
                raise Malformed("no action")
            path = self._operand(operands[0])
            if code != REMOVE:
                path += (" = " if code == SET else " ") + self._operand(operands[1])
            clauses.setdefault(code, []).append(path)
        return " ".join(f"{CLAUSES[code]} {', '.join(actions)}" for code, actions in clauses.items())

    def heads(self, paths: list[Path]) -> str:
        """A projection of the paths' top-level attributes, each once."""
        return ", ".join(dict.fromkeys(self._placeholder(str(path[0])) for path in paths))

    def _open(self, data: Any) -> Any:
        tree = _opened(data, 3)
        self._variables = []
        for value in _list(tree[2]):
            self._variables.append(name := f":v{len(self.values)}")
            self.values[name] = values.attribute_value(value)
        return tree[1]

    def _condition(self, node: Any) -> str:
        code, *operands = _coded(node)
        if code == NOT and len(operands) == 1:
            return f"NOT {self._within(operands[0], (AND, OR))}"
        if code in (AND, OR) and len(operands) == 2:
            word, looser = ("AND", (OR,)) if code == AND else ("OR", ())
            return f" {word} ".join(self._within(operand, looser) for operand in operands)
        if code in COMPARISONS and len(operands) == 2:
            return f"{self._operand(operands[0])} {COMPARISONS[code]} {self._operand(operands[1])}"
        if code == BETWEEN and len(operands) == 3:
            between, low, high = map(self._operand, operands)
            return f"{between} BETWEEN {low} AND {high}"
        if code == IN and len(operands) == 2:
            options = ", ".join(map(self._operand, _list(operands[1])))
            return f"{self._operand(operands[0])} IN ({options})"
        return self._operand(node)

    def _within(self, node: Any, looser: tuple[int, ...]) -> str:
        written = self._condition(node)
        return f"({written})" if _list(node)[0] in looser else written

    def _operand(self, node: Any) -> str:
        if type(node) is str:
            return self._placeholder(node)
        code, *operands = _coded(node)
        if code == PATH:
            return self._path(path_of(node))
        if code == VARIABLE and len(operands) == 1:
            at = operands[0]
            if type(at) is not int or not 0 <= at < len(self._variables):
                raise Malformed("a value that is not there")
            return self._variables[at]
        if code in FUNCTIONS:
            return f"{FUNCTIONS[code]}({', '.join(map(self._operand, operands))})"
        if code in (PLUS, MINUS) and len(operands) == 2:
            return f"{self._operand(operands[0])} {'+' if code == PLUS else '-'} {self._operand(operands[1])}"
        raise Malformed("no operand")

    def _path(self, path: Path) -> str:
        written = ""
        for part in path:
            if isinstance(part, int):
                written += f"[{part}]"
            else:
                written += ("." if written else "") + self._placeholder(part)
        return written

    def _placeholder(self, name: str) -> str:
        found = self._placeholders.get(name)
        if found is None:
            found = self._placeholders[name] = f"#n{len(self.names)}"
            self.names[found] = name
        return found


def paths(data: Any) -> list[Path]:
    """The document paths of a projection. Raises Malformed."""
    found = [path_of(node) for node in _list(_opened(data, 2)[1])]
    if not found:
        raise Malformed("an empty projection")
    return found


def path_of(node: Any) -> Path:
    if type(node) is str:
        return (node,)
    code, *parts = _coded(node)
    if code != PATH or not parts or type(parts[0]) is not str or not all(type(p) in (str, Ordinal) for p in parts):
        raise Malformed("no path")
    return tuple(part.at if isinstance(part, Ordinal) else part for part in parts)


def _opened(data: Any, size: int) -> list[Any]:
    if type(data) is not bytes:
        raise Malformed("an expression is bytes")
    tree = _list(values.load(data))
    if len(tree) != size or tree[0] != FORMAT:
        raise Malformed("an expression of another form")
    return tree


def _list(node: Any) -> list[Any]:
    if type(node) is not list:
        raise Malformed("no expression")
    return node


def _coded(node: Any) -> list[Any]:
    """A function's number, and its operands."""
    if type(node) is not list or not node or type(node[0]) is not int:
        raise Malformed("no expression")
    return node
