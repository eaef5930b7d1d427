"""Mutants: every way in which cosmic-ray's operators change one module, and the code each of them makes.

Left out are annotations, where a change shows nothing, and decorators, where most mutants die at import,
which would flatter the figure.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.plugins import get_operator, operator_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: the operator, which of its places, and the first line of the statement around it."""

    operator: str
    occurrence: int
    line: int
    statement: int
    at_import: bool

    @property
    def key(self) -> str:
        """What names it within one edition of its module."""
        return f"{self.operator}:{self.occurrence}"


class Subject:
    """One module that is broken on purpose."""

    def __init__(self, path: Path) -> None:
        """Read the module; nothing of it is imported."""
        self.path = path
        self.source = path.read_text()
        self._tree = get_ast(self.source)

    @cached_property
    def mutants(self) -> tuple[Mutant, ...]:
        """All mutants of the module, in an order of their own."""
        return tuple(self._found())

    def _found(self) -> Iterator[Mutant]:
        tree = ast.parse(self.source)
        spared, bodies, statements = _spared(tree), list(_bodies(tree)), list(_statements(tree))
        nodes = list(ast_nodes(self._tree))
        for name in sorted(operator_names()):
            kind = get_operator(name)
            if kind.arguments():
                continue
            places = (place for node in nodes for place in kind().mutation_positions(node))
            for occurrence, ((line, _), _) in enumerate(places):
                if line in spared:
                    continue
                around = min(
                    (one for one in statements if one[0] <= line <= one[1]),
                    key=lambda one: one[1] - one[0],
                    default=(line, line, line),
                )
                yield Mutant(
                    operator=name.removeprefix("core/"),
                    occurrence=occurrence,
                    line=line,
                    statement=around[2],
                    at_import=not any(first <= line <= last for first, last in bodies),
                )

    def broken(self, mutant: Mutant) -> str:
        """Return the source with that one change. This spoils the tree: it works once in a process.

        Raises:
            SyntaxError: the operator cannot write it, as where an exception has a dotted name.
        """
        visitor = MutationVisitor(mutant.occurrence, get_operator(f"core/{mutant.operator}")())
        try:
            code: str = visitor.walk(self._tree).get_code()
        except AttributeError as error:
            raise SyntaxError(mutant.key) from error
        return code

    def change(self, mutant: Mutant, broken: str) -> str:
        """Return the words of the change: the line as it was, and as it is."""
        pairs = zip(self.source.splitlines(), broken.splitlines(), strict=False)
        for was, is_ in pairs:
            if was != is_:
                return f"{was.strip()} -> {' '.join(is_.split())}"
        return self.source.splitlines()[mutant.line - 1].strip()


def _spared(tree: ast.AST) -> set[int]:
    spared: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            parts.extend(node.decorator_list)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            parts.append(node.returns)
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            parts.append(node.annotation)
        for part in parts:
            spared.update(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return spared


def _bodies(tree: ast.AST) -> Iterator[tuple[int, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.body[0].lineno, node.end_lineno or node.lineno


def _statements(tree: ast.AST) -> Iterator[tuple[int, int, int]]:
    """Yield the first and the last line of each statement's own words, and where the statement begins."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt):
            continue
        yield node.lineno, _own_end(node), node.lineno
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            first = part.lineno if isinstance(part, ast.ExceptHandler) else part.pattern.lineno
            yield first, _own_end(part), node.lineno


def _own_end(node: ast.AST) -> int:
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if isinstance(body, list) and body:
        inner = body[0].pattern if isinstance(body[0], ast.match_case) else body[0]
        first: int = getattr(node, "lineno", inner.lineno)
        return max(first, inner.lineno - 1)
    end: int = getattr(node, "end_lineno", 0)
    return end
