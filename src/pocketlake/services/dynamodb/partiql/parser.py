"""PartiQL: statements read into what expressions are made of. SELECT, INSERT, UPDATE, DELETE and EXISTS.

Source: DynamoDB developer guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB".
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from ..attribute_values import value_size
from ..expressions.bindings import check_function
from ..expressions.grammar import CONDITION_FUNCTIONS, UPDATE_FUNCTIONS
from ..expressions.nodes import (
    Action,
    And,
    Arithmetic,
    Between,
    Comparison,
    Condition,
    Function,
    In,
    Node,
    Not,
    Operand,
    Or,
    Path,
    Value,
)
from ..service import Invalid
from .checks import judge, ordered
from .tokens import MALFORMED, Tokens

COMPARATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
SIZE = ("size",)
PLACE_DIGITS = 10  # of a place in a list
UNMATCHED = "Number of parameters in request and statement don't match."


@dataclass(slots=True)
class Statement:
    """`kind`: select, insert, update, delete or exists."""

    kind: str
    table: str
    index: str | None = None
    paths: tuple[Path, ...] | None = None
    where: Condition | None = None
    descending: bool | None = None  # None: not ordered
    item: dict[str, Any] = field(default_factory=dict)
    actions: tuple[Action, ...] = ()
    returning: str = ""  # ALL OLD, ALL NEW, MODIFIED OLD, MODIFIED NEW


def parse(text: str, parameters: list[Any]) -> Statement:
    """One statement with its parameters put in. Raises Invalid."""
    for parameter in parameters:
        value_size(parameter)
    parser = _Parser(text, parameters)
    statement = parser.statement()
    parser.accept(";")
    parser.finish()
    if parser.used != len(parameters):
        raise Invalid(UNMATCHED)
    return statement


def _check_allowed(operand: Operand, functions: Container[str]) -> Operand:
    """The functions of conditions are no values, nor those of updates conditions. Wording: that of expressions."""
    if isinstance(operand, Function) and operand.name not in functions:
        raise Invalid(f"The function is not allowed to be used this way in an expression; function: {operand.name}")
    return operand


class _Parser(Tokens):
    def __init__(self, text: str, parameters: list[Any]) -> None:
        super().__init__(text)
        self.used = 0
        self.parameters = parameters

    # Statements

    def statement(self) -> Statement:
        if self.accept("SELECT"):
            return self.select("select")
        if self.accept("EXISTS"):
            self.expect("(", "SELECT")
            found = self.select("exists")
            self.expect(")")
            return found
        if self.accept("INSERT"):
            self.expect("INTO")
            table = self.table()
            if not self.accept("VALUE"):
                raise self.leftover()
            self.expect("{")
            return Statement("insert", table, item=self.members(self.value))
        if self.accept("UPDATE"):
            return self.update()
        if not self.accept("DELETE"):
            raise Invalid(f"{MALFORMED}Expected data manipulation")
        return self.delete()

    def delete(self) -> Statement:
        self.expect("FROM")
        table = self.table()
        self.refuse_alias("WHERE", "RETURNING")
        found = Statement("delete", table, where=self.where())
        found.returning = self.returning()
        if found.returning not in ("", "ALL OLD"):
            raise Invalid(
                f"Invalid returning clause: RETURNING {found.returning} *. Only RETURNING ALL OLD * is allowed in "
                "DELETE statements."
            )
        return found

    def select(self, kind: str) -> Statement:
        paths: tuple[Path, ...] | None = None
        if not self.accept("*"):
            found = [self.path()]
            while self.accept(","):
                found.append(self.path())
            paths = tuple(found)
        self.expect("FROM")
        table = self.table()
        index = self.table() if self.accept(".") else None
        if self.accept("."):
            raise Invalid("A path may contain at most 2 components in the FROM clause")
        self.refuse_alias("WHERE", "ORDER")
        statement = Statement(kind, table, index, paths, self.where())
        if self.accept("ORDER"):
            self.expect("BY")
            while True:
                self.path()
                statement.descending = self.accept("ASC", "DESC") == "DESC"
                if not self.accept(","):
                    break
        return statement

    def update(self) -> Statement:
        statement = Statement("update", self.table())
        self.refuse_alias("SET", "REMOVE")
        actions: list[Action] = []
        while kind := self.accept("SET", "REMOVE"):
            while True:
                path = self.path()
                if kind == "REMOVE":
                    actions.append(Action(kind, path))
                else:
                    self.expect("=")
                    actions.append(self.assignment(path))
                if not self.accept(","):
                    break
        if not actions:
            raise self.unexpected()
        statement.actions = tuple(actions)
        statement.where = self.where()
        statement.returning = self.returning()
        return statement

    def assignment(self, path: Path) -> Action:
        kind, text = self.peek()
        if kind == "name" and text.lower() in ("set_add", "set_delete"):
            return self.set_function(path, text.upper())
        left = self.operand(UPDATE_FUNCTIONS)
        operator = self.accept("+", "-")
        return Action("SET", path, Arithmetic(operator, left, self.operand(UPDATE_FUNCTIONS)) if operator else left)

    def set_function(self, path: Path, name: str) -> Action:
        """SET_ADD(path, set) or SET_DELETE of what is assigned to."""
        place = self.place(self.at)
        self.at += 1
        self.expect("(")
        first = self.at
        arguments = [self.operand()]
        while self.accept(","):
            arguments.append(self.operand())
        self.expect(")")
        if len(arguments) != 2:
            raise Invalid(f"{name} must have exactly two arguments at {place}")
        if arguments[0] != path:
            raise Invalid(f"The first argument to {name} must equal the assignment value at {place}")
        value = arguments[1]
        if not isinstance(value, Value) or next(iter(value.value)) not in ("SS", "NS", "BS"):
            raise Invalid(f"The second argument to {name} must be a value with type SET at {self.place(first)}")
        return Action("ADD" if name == "SET_ADD" else "DELETE", path, value)

    def where(self) -> Condition | None:
        return self.condition(self.disjunction()) if self.accept("WHERE") else None

    def returning(self) -> str:
        if not self.accept("RETURNING"):
            return ""
        words = f"{self.accept('ALL', 'MODIFIED')} {self.accept('OLD', 'NEW')}"
        self.expect("*")
        return words

    # Conditions

    def condition(self, node: Node) -> Condition:
        if isinstance(node, (Path, Value)) or (isinstance(node, Function) and node.name == "size"):
            raise self.unexpected()
        return node

    def disjunction(self) -> Node:
        left = self.conjunction()
        while self.accept("OR"):
            left = Or(self.condition(left), self.condition(self.conjunction()))
        return left

    def conjunction(self) -> Node:
        left = self.negation()
        while self.accept("AND"):
            left = And(self.condition(left), self.condition(self.negation()))
        return left

    def negation(self) -> Node:
        return Not(self.condition(self.negation())) if self.accept("NOT") else self.comparison()

    def comparison(self) -> Node:
        if self.accept("("):
            inner = self.disjunction()
            self.expect(")")
            if not isinstance(inner, (Path, Value)):
                return inner
            left: Operand = inner
        else:
            left = self.operand(CONDITION_FUNCTIONS)
        operator = self.accept(*COMPARATORS, "BETWEEN", "IN", "IS")
        if not operator:
            return left
        _check_allowed(left, SIZE)
        if operator == "BETWEEN":
            low = self.operand()
            self.expect("AND")
            return Between(*ordered("BETWEEN", left, low, self.operand()))
        if operator == "IN":
            return self.membership(left)
        if operator == "IS":
            return self.kind_test(left)
        return Comparison(COMPARATORS[operator], *ordered(operator, left, self.operand()))

    def membership(self, left: Operand) -> Condition:
        closing = "]" if self.accept("[") else ")"
        if closing == ")":
            self.expect("(")
        options = [self.operand()]
        while self.accept(","):
            options.append(self.operand())
        self.expect(closing)
        return In(left, tuple(options))

    def kind_test(self, left: Operand) -> Condition:
        negated = bool(self.accept("NOT"))
        word = self.accept("MISSING", "NULL")
        if word == "MISSING":
            return Function("attribute_exists" if negated else "attribute_not_exists", (left,))
        if word != "NULL":
            raise self.unexpected()
        found = Function("attribute_type", (left, Value("", {"S": "NULL"})))
        return Not(found) if negated else found

    # Operands

    def operand(self, functions: Container[str] = SIZE) -> Operand:
        """A path, a value, or what one of these functions gives."""
        kind, text = self.peek()
        following = self.tokens[self.at + 1][1] if self.at + 1 < len(self.tokens) else ""
        if kind == "name" and following == "(":
            return _check_allowed(self.function(), functions)
        if kind in ("name", "quoted") and text.upper() not in ("TRUE", "FALSE", "NULL"):
            return self.path()
        return Value("", self.value())

    def function(self) -> Function:
        place = self.place(self.at)
        name = self.name().lower()
        if name not in CONDITION_FUNCTIONS and name not in UPDATE_FUNCTIONS:
            raise Invalid(f"Unrecognized function: {name} at {place}")
        self.expect("(")
        arguments = []
        while not self.accept(")"):
            arguments.append(self.operand(UPDATE_FUNCTIONS if name in UPDATE_FUNCTIONS else ()))
            if not self.accept(","):
                self.expect(")")
                break
        found = Function(name, tuple(arguments))
        check_function(found)
        return found

    def path(self) -> Path:
        parts: list[str | int] = [self.name()]
        while True:
            if self.accept("."):
                parts.append(self.name())
            elif self.accept("["):
                kind, text = self.peek()
                if kind == "text":
                    parts.append(text[1:-1].replace("''", "'"))
                elif kind == "number" and text.isdecimal() and len(text) <= PLACE_DIGITS:
                    parts.append(int(text))
                else:
                    raise self.unexpected()
                self.at += 1
                self.expect("]")
            else:
                return Path(tuple(parts))

    def value(self) -> dict[str, Any]:
        """A literal or a parameter, as an attribute value; its numbers are judged."""
        value = self.literal()
        judge(value, "root")
        return value

    def literal(self) -> dict[str, Any]:
        kind, text = self.peek()
        if kind == "mark" and text in ("?", "{", "[", "<<", "-"):
            self.at += 1
            return self.composed(text)
        if kind not in ("text", "number", "name"):
            raise self.unexpected()
        self.at += 1
        if kind == "text":
            return {"S": text[1:-1].replace("''", "'")}
        if kind == "number":
            return {"N": text}
        word = text.upper()
        if word not in ("TRUE", "FALSE", "NULL"):
            self.at -= 1
            raise self.unexpected()
        return {"NULL": True} if word == "NULL" else {"BOOL": word == "TRUE"}

    def composed(self, opening: str) -> dict[str, Any]:
        if opening == "?":
            if self.used >= len(self.parameters):
                raise Invalid(UNMATCHED)
            self.used += 1
            found: dict[str, Any] = self.parameters[self.used - 1]
            return found
        if opening == "-":
            kind, text = self.peek()
            if kind != "number":
                raise self.unexpected()
            self.at += 1
            return {"N": f"-{text}"}
        if opening == "{":
            return {"M": self.members(self.literal)}
        closing = "]" if opening == "[" else ">>"
        values = []
        if not self.accept(closing):
            values.append(self.literal())
            while self.accept(","):
                values.append(self.literal())
            self.expect(closing)
        if opening == "[":
            return {"L": values}
        if not values:
            raise Invalid("Empty bags are not supported")
        kinds = {next(iter(value)) for value in values}
        if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
            raise Invalid(f"{MALFORMED}sets hold texts, numbers or binary values")
        (kind,) = kinds
        return {f"{kind}S": [value[kind] for value in values]}

    def members(self, read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The rest of a map, whose values `read` reads."""
        found: dict[str, Any] = {}
        while not self.accept("}"):
            kind, text = self.peek()
            if kind not in ("text", "quoted"):
                raise self.unexpected()
            self.at += 1
            self.expect(":")
            found[text[1:-1].replace(text[0] * 2, text[0])] = read()
            if not self.accept(","):
                self.expect("}")
                break
        return found
