"""Tokens to trees: conditions, updates, projections. By recursive descent; what is wrong is worded as AWS words it.

Order of complaints, recorded by dynalite: parentheses, unknown functions, misused functions, reserved words.
"""

from __future__ import annotations

from functools import lru_cache

from .. import quotas
from ..service import Invalid
from .nodes import Action as UpdateAction
from .nodes import And, Arithmetic, Between, Comparison, Condition, Function, In, Node, Not, Operand, Or, Path, Value
from .reserved import RESERVED
from .tokens import Tokens

COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
CONDITION_FUNCTIONS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
UPDATE_FUNCTIONS = {"if_not_exists": 2, "list_append": 2}
MOST_OPERATORS, MOST_OPTIONS = int(quotas.OPERATORS.value), int(quotas.IN_OPERANDS.value)
MOST_BYTES = int(quotas.EXPRESSION_BYTES.value)
EMPTY = "The expression can not be empty;"
CACHED = 2048  # expressions of each kind


@lru_cache(maxsize=CACHED)
def condition(text: str) -> Condition:
    """A condition, filter or key condition. Raises Invalid."""
    parser = _Parser(text, CONDITION_FUNCTIONS)
    node = parser.disjunction()
    if parser.tokens.next.kind != "end":
        raise parser.tokens.unexpected()
    node = parser.as_condition(node)
    parser.complain()
    return node


@lru_cache(maxsize=CACHED)
def update(text: str) -> tuple[UpdateAction, ...]:
    """The actions of an update expression. Raises Invalid."""
    parser = _Parser(text, UPDATE_FUNCTIONS)
    actions = parser.sections()
    parser.complain()
    return tuple(actions)


@lru_cache(maxsize=CACHED)
def projection(text: str) -> tuple[Path, ...]:
    """Paths, separated by commas. Raises Invalid."""
    parser = _Parser(text, {})
    paths = [parser.path()]
    while parser.tokens.accept(","):
        paths.append(parser.path())
    if parser.tokens.next.kind != "end":
        raise parser.tokens.unexpected()
    parser.complain()
    return tuple(paths)


class _Parser:
    """One expression. Complaints that are not about syntax wait until the whole is read."""

    def __init__(self, text: str, functions: dict[str, int]) -> None:
        if not text.strip():
            raise Invalid(EMPTY)
        if (size := len(text.encode())) > MOST_BYTES:
            raise Invalid(f"Expression size has exceeded the maximum allowed size; expression size: {size}")
        self.tokens = Tokens(text)
        self.functions = functions
        self.complaints: dict[str, str] = {}
        self.enclosed: set[int] = set()  # nodes that stand in parentheses, by identity
        self._kept: list[object] = []
        self.operators = 0

    def complain(self) -> None:
        if self.operators > MOST_OPERATORS:
            raise Invalid(f"The expression contains too many operators; operator count: {self.operators}")
        for kind in ("parentheses", "function", "misuse", "reserved", "section", "options"):
            if kind in self.complaints:
                raise Invalid(self.complaints[kind])

    # Conditions

    def disjunction(self) -> Node:
        left = self.conjunction()
        while self.tokens.word("OR"):
            self.operators += 1
            right = self.conjunction()
            left = Or(self.as_condition(left), self.as_condition(right))
        return left

    def conjunction(self) -> Node:
        left = self.negation()
        while self.tokens.word("AND"):
            self.operators += 1
            right = self.negation()
            left = And(self.as_condition(left), self.as_condition(right))
        return left

    def negation(self) -> Node:
        if self.tokens.word("NOT"):
            self.operators += 1
            return Not(self.as_condition(self.negation()))
        return self.comparison()

    def comparison(self) -> Node:
        left = self.enclosure()
        if not isinstance(left, (Path, Value, Function)):
            return left
        token = self.tokens.next
        if token.kind == "mark" and token.text in COMPARATORS:
            self.tokens.take()
            self.operators += 1
            right = self.inner_operand()
            self._check_use(left, right)
            return Comparison(token.text, left, right)
        if self.tokens.word("BETWEEN"):
            self.operators += 1
            low = self.inner_operand()
            if not self.tokens.word("AND"):
                raise self.tokens.unexpected()
            high = self.inner_operand()
            self._check_use(left, low, high)
            return Between(left, low, high)
        if self.tokens.word("IN"):
            self.operators += 1
            self.tokens.expect("(")
            options = self.arguments()
            self._check_use(left, *options)
            if len(options) > MOST_OPTIONS:
                self.complaints.setdefault(
                    "options",
                    f"The IN operator is provided with too many operands; number of operands: {len(options)}",
                )
            return In(left, options)
        return left

    def enclosure(self) -> Node:
        """Something in parentheses, or an operand."""
        if not self.tokens.accept("("):
            return self.operand()
        node = self.disjunction()
        self.tokens.expect(")")
        if id(node) in self.enclosed:
            self.complaints.setdefault("parentheses", "The expression has redundant parentheses;")
        self.enclosed.add(id(node))
        self._kept.append(node)
        return node

    def inner_operand(self) -> Operand:
        node = self.enclosure()
        if not isinstance(node, (Path, Value, Function)):
            raise self.tokens.unexpected()
        return node

    def as_condition(self, node: Node) -> Condition:
        if isinstance(node, (Path, Value)):
            raise self.tokens.unexpected()
        if isinstance(node, Function) and node.name == "size":
            self._misused(node)
        return node

    def _check_use(self, *operands: Operand) -> None:
        for operand in operands:
            if isinstance(operand, Function) and operand.name != "size":
                self._misused(operand)

    def _misused(self, function: Function) -> None:
        self.complaints.setdefault(
            "misuse", f"The function is not allowed to be used this way in an expression; function: {function.name}"
        )

    # Operands

    def operand(self) -> Operand:
        token = self.tokens.next
        if token.kind == "value":
            self.tokens.take()
            return Value(token.text)
        if token.kind == "name" and self.tokens.tokens[self.tokens.at + 1].text == "(":
            if token.text.upper() in KEYWORDS:
                raise self.tokens.unexpected()
            return self.function()
        return self.path()

    def function(self) -> Function:
        name = self.tokens.take().text
        self.operators += 1
        self.tokens.expect("(")
        found = Function(name, self.arguments())
        if name not in self.functions:
            self.complaints.setdefault("function", f"Invalid function name; function: {name}")
        elif self.functions is CONDITION_FUNCTIONS:
            for argument in found.arguments:
                if isinstance(argument, Function):
                    self._misused(argument)
        return found

    def arguments(self) -> tuple[Operand, ...]:
        """Operands up to the closing parenthesis, which is taken."""
        found = [self.inner_operand()]
        while self.tokens.accept(","):
            found.append(self.inner_operand())
        self.tokens.expect(")")
        return tuple(found)

    def path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while True:
            if self.tokens.accept("."):
                parts.append(self._name())
            elif self.tokens.accept("["):
                if self.tokens.next.kind != "number":
                    raise self.tokens.unexpected()
                parts.append(int(self.tokens.take().text))
                self.tokens.expect("]")
            else:
                return Path(tuple(parts))

    def _name(self) -> str:
        token = self.tokens.next
        if token.kind not in ("name", "alias"):
            raise self.tokens.unexpected()
        if token.kind == "name":
            word = token.text.upper()
            if word in KEYWORDS and self.functions is CONDITION_FUNCTIONS:
                raise self.tokens.unexpected()
            if word in RESERVED:
                self.complaints.setdefault(
                    "reserved", f"Attribute name is a reserved keyword; reserved keyword: {token.text}"
                )
        self.tokens.take()
        return token.text

    # Updates

    def sections(self) -> list[UpdateAction]:
        actions: list[UpdateAction] = []
        seen: set[str] = set()
        while self.tokens.next.kind != "end":
            kind = next((word for word in SECTIONS if self.tokens.word(word)), None)
            if kind is None:
                raise self.tokens.unexpected()
            if kind in seen:
                self.complaints.setdefault(
                    "section", f'The "{kind}" section can only be used once in an update expression;'
                )
            seen.add(kind)
            actions.append(self.action(kind))
            while self.tokens.accept(","):
                actions.append(self.action(kind))
        return actions

    def action(self, kind: str) -> UpdateAction:
        path = self.path()
        if kind == "SET":
            self.tokens.expect("=")
            self.operators += 1
            return UpdateAction(kind, path, self.set_value())
        if kind == "REMOVE":
            return UpdateAction(kind, path)
        if self.tokens.next.kind != "value":
            raise self.tokens.unexpected()
        return UpdateAction(kind, path, Value(self.tokens.take().text))

    def set_value(self) -> Operand | Arithmetic:
        if self.tokens.next.text == "(":  # the whole value may stand in parentheses, or its first operand only
            start = self.tokens.at
            self.tokens.take()
            inner = self.set_value()
            self.tokens.expect(")")
            if isinstance(inner, Arithmetic) or self.tokens.next.text not in ("+", "-"):
                return inner
            self.tokens.at = start
        left = self.inner_operand()
        for operator in ("+", "-"):
            if self.tokens.accept(operator):
                self.operators += 1
                return Arithmetic(operator, left, self.inner_operand())
        return left
