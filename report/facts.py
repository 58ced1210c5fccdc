"""What ran on what, and every run: the last parts of the page."""

import json
from collections import Counter


def environment(document, runs):
    document.heading("Environment and data")
    if not runs:
        document.text("No runs yet.")
        return
    for title, facts_of in (("Machine", machine), ("Software", software)):
        counts = Counter(map(facts_of, runs))
        rows = [[words, str(count)] for words, count in counts.items()]
        document.table("", [title, "Runs"], rows, look="texts")
    checksums = {}
    for run in runs:
        data = run.data
        for name, digest in sorted((data.get("checksums") or {}).items()):
            checksums[data.get("name"), name, digest] = None
    document.table(
        "",
        ["Data", "What", "SHA-256"],
        [[str(data), f"`{name}`", f"`{digest}`"] for data, name, digest in checksums],
        look="texts",
    )


def machine(run):
    host = run.facts.get("host") or {}
    return f"{run.device}; {host.get('system')}"


def software(run):
    versions = run.facts.get("versions") or {}
    blocks = run.facts.get("blocks") or {}
    words = ", ".join(f"{name} {version}" for name, version in versions.items())
    commit = f", commit {blocks['commit']}" if blocks.get("commit") else ""
    precision = run.configuration.get("floatX")
    return f"{words}; Blocks from {blocks.get('source')}{commit}; {precision}"


def all_runs(document, runs, repeats, problems):
    document.heading("All runs")
    if runs:
        header = ["Folder", "Status", "Epochs", "Best", "Seconds", "Blocks"]
        document.table("", header, [run_line(run) for run in runs], look="texts")
    else:
        document.text("None.")
    if repeats:
        document.heading("Runs done twice", 3)
        document.listing([repeat_words(*pair) for pair in repeats])
    if problems:
        document.heading("Folders that could not be read", 3)
        document.listing(problems)


def run_line(run):
    status = str(run.facts.get("status"))
    if status == "running":
        status = "running, or killed"
    if run.facts.get("error"):
        status += f": {run.facts['error']}"
    if run.ended_by_patience:
        status += ", by patience"
    seconds = sum(row["seconds"] for row in run)
    return [
        f"`{run.name}`",
        status,
        f"{len(run.rows)} of {run.epochs_wanted}",
        f"epoch {run.best_epoch}" if run.rows else "none",
        f"{seconds:.0f}",
        str((run.facts.get("blocks") or {}).get("version")),
    ]


def repeat_words(first, second):
    """Say whether two runs of the same settings and seed gave the same figures."""
    pair = f"`{first.path}` and `{second.path}`"
    rows = [
        [{n: v for n, v in row.items() if n != "seconds"} for row in run]
        for run in (first, second)
    ]
    common = min(map(len, rows))
    if json.dumps(rows[0][:common]) == json.dumps(rows[1][:common]):
        return f"{pair}: the same to the last digit in {common} epochs."
    differences = [
        abs(a[name] - b[name])
        for a, b in zip(*rows)
        for name in a
        if isinstance(a[name], float) and isinstance(b.get(name), float)
    ]
    return f"{pair}: the figures differ by up to {max(differences):.3g}."
