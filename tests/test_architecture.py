"""The house: three floors, arrows only downwards, third-party libraries behind their fences, no import cycle."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FLOORS = ("crawler", "nlp", "intake", "scheduler")
MAY_IMPORT = {"crawler": {"crawler"}, "nlp": {"nlp"}, "intake": {"crawler", "nlp", "intake"}, "scheduler": set(FLOORS)}
FENCES = {
    "scrapy": "crawler",
    "twisted": "crawler",
    "feedparser": "crawler",
    "trafilatura": "crawler",
    "spacy": "nlp",
    "thinc": "nlp",
    "sqlalchemy": "intake",
    "alembic": "intake",
    "fastapi": "intake",
    "apscheduler": "scheduler",
}


def modules() -> dict[str, Path]:
    paths = [ROOT / "scheduler.py", *(path for floor in FLOORS[:3] for path in (ROOT / floor).rglob("*.py"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


def imports(path: Path, *, at_load_only: bool = False) -> Iterator[str]:
    """Names of imported modules; `at_load_only` leaves out those inside functions and TYPE_CHECKING."""
    nodes = list(_at_load(ast.parse(path.read_text()))) if at_load_only else ast.walk(ast.parse(path.read_text()))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _at_load(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        yield from _at_load(node)


def test_arrows_point_down() -> None:
    upward = [
        f"{name} imports {imported}"
        for name, path in modules().items()
        for imported in imports(path)
        if imported.split(".")[0] in FLOORS and imported.split(".")[0] not in MAY_IMPORT[name.split(".")[0]]
    ]
    assert not upward


def test_libraries_stay_behind_their_fences() -> None:
    outside = [
        f"{name} imports {imported}"
        for name, path in modules().items()
        for imported in imports(path)
        if (floor := FENCES.get(imported.split(".")[0])) and floor != name.split(".")[0]
    ]
    assert not outside


def test_no_import_cycle() -> None:
    known = modules()
    graph = {n: {i for i in imports(p, at_load_only=True) if i in known and i != n} for n, p in known.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for below in graph[name]:
                visit(below, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{name}.{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for name, path in modules().items()
        if "migrations.versions" not in name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 60
    ]
    assert not long


def test_no_template_trusts_its_data() -> None:
    trusting = [
        str(path)
        for path in (ROOT / "intake/web/templates").rglob("*.html")
        if "|safe" in path.read_text().replace(" ", "")
    ]
    assert not trusting
