"""What is wrong with a statement, in the words Athena uses: `CODE: line l:c: what`."""

from __future__ import annotations


class SqlError(Exception):
    """`code` is Athena's (TABLE_NOT_FOUND, SYNTAX_ERROR, ...); `user` is False when the statement is not at fault."""

    def __init__(self, code: str, message: str, line: int = 0, column: int = 0, user: bool = True) -> None:
        place = f"line {line}:{column}: " if line else ""
        self.code = code
        self.user = user
        self.text = f"{code}: {place}{message}"
        super().__init__(self.text)


class NotSupported(SqlError):
    """A statement or a feature that is known and not built: it says so, by name."""

    def __init__(self, what: str) -> None:
        super().__init__("NOT_SUPPORTED", f"{what} is not supported by Pocketlake yet.")


class Cutoff(SqlError):
    """The query passed the limit on bytes it may scan."""

    def __init__(self) -> None:
        super().__init__("EXCEEDED_SCAN_LIMIT", "Bytes scanned limit was exceeded")


class Cancelled(SqlError):
    def __init__(self) -> None:
        super().__init__("USER_CANCELED", "Query was canceled")
