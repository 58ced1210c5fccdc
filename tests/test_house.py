"""Which folder may import which: docs/ARCHITECTURE.md draws it."""

import ast

from common import ROOT

BELOW = {"common", "bricks", "datasets", "engine", "runs", "training", "experiments"}
PROGRAMS = {"ptb_experiment", "draw_experiment"}
ABOVE = BELOW | PROGRAMS
# Besides itself. Nothing here is imported by what it may import.
MAY = {
    "common": set(),
    "bricks": set(),
    "datasets": {"common"},
    "engine": {"common"},
    "runs": {"common"},
    "install": {"common"},
    "training": {"common", "bricks", "engine", "runs"},
    "experiments": BELOW - {"experiments"},
    "ptb_experiment": BELOW,
    "draw_experiment": BELOW,
    "quick": ABOVE,
    "report": ABOVE,
    "figures": ABOVE | {"report"},
    "benchmarks": ABOVE,
    "docker": ABOVE | {"install", "quick"},
    "workflow": ABOVE | {"install"},
}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)


def test_folders_import_one_way_only():
    for name, allowed in MAY.items():
        single = ROOT / f"{name}.py"
        for path in [single] if single.exists() else (ROOT / name).rglob("*.py"):
            wrong = (set(imports(path)) & set(MAY)) - allowed - {name}
            assert not wrong, f"{path.relative_to(ROOT)} imports {', '.join(wrong)}"
    for name, allowed in MAY.items():
        assert not [other for other in allowed if name in MAY[other]], name


def functions(path):
    """Yield the name of each function, and how many arguments it is called with."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            arguments = {a.arg for a in [*node.args.args, *node.args.kwonlyargs]}
            # Of these the first is the object's, and the second Blocks'.
            yield node.name, len(arguments - {"self", "application_call"})


def test_no_function_takes_more_than_six_arguments():
    """But for the constructors of bricks, whose arguments are what they are made of."""
    for name in MAY:
        single = ROOT / f"{name}.py"
        for path in [single] if single.exists() else (ROOT / name).rglob("*.py"):
            for function, number in functions(path):
                made = name == "bricks" and function == "__init__"
                where = f"{function} of {path.relative_to(ROOT)}"
                assert number <= 6 or made, f"{where} takes {number} arguments"
