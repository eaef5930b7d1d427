"""Marks: a module whose every statement says that it was reached, at almost no cost to all other code."""

import ast
import builtins
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import TypeVar

NAME = "__mutation_mark__"
Node = TypeVar("Node", bound=ast.AST)


def marked(source: str, path: Path) -> CodeType:
    """Return the module's code with a mark before each statement inside of its functions."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            _Marker().mark(node)
    return compile(tree, str(path), "exec")


def begin() -> set[int]:
    """Begin to collect the lines of the marks that are passed from now on, into a new set."""
    lines: set[int] = set()
    setattr(builtins, NAME, lines.add)
    return lines


class _Marker:
    """Puts the marks into one function; a function within it is another one."""

    def mark(self, node: ast.AST) -> None:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, [new for one in block for new in self._with_mark(one)])
        for inner in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            self.mark(inner)

    def _with_mark(self, one: ast.stmt) -> list[ast.stmt]:
        if not isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.mark(one)
        call = ast.Call(func=ast.Name(id=NAME, ctx=ast.Load()), args=[ast.Constant(one.lineno)], keywords=[])
        said = ast.Expr(call)
        for part in ast.walk(said):
            ast.copy_location(part, one)
        is_text = isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
        return [one] if is_text else [said, one]


class _Loader(SourceFileLoader):
    """Loads some code in place of the file's own."""

    def __init__(self, name: str, path: str, code: CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType | None:
        del fullname
        return self._code


class Finder:
    """Finds one module, with other code than its file has."""

    def __init__(self, module: str, path: Path, code: CodeType) -> None:
        """Stand before the finders of this process."""
        self._module, self._path, self._code = module, path, code

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Answer for that module alone."""
        del path, target
        if name != self._module:
            return None
        loader = _Loader(name, str(self._path), self._code)
        return spec_from_file_location(name, self._path, loader=loader)
