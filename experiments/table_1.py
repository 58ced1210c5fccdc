"""Tables of what was obtained, beside what the paper reports."""

import math
from statistics import median

from common.files import read_json
from experiments.published import published

# What else a model with population statistics is scored with.
STATISTICS = {
    "moving_average": "the moving average that training keeps",
    "batch": "the batch's own",
}


def table_1(logs, scores, note):
    """Lay out Table 1 as obtained, the best validation epoch of each model.

    Parameters
    ----------
    logs : dict of str to list of dict
        Rows of ``metrics.jsonl`` by model; a model without rows is left out.
    scores : dict of str to dict
        ``evaluation.json`` by model, of models with population statistics: their exact
        values count, and those with others are printed below.
    note : str
        What distinguishes these runs from the published ones, printed above.

    Returns
    -------
    str
    """
    table = published()["table_1"]
    unknown = {"valid_bpc": math.nan, "seconds_per_epoch": math.nan}
    seconds = {
        model: median(row["seconds"] for row in rows)
        for model, rows in logs.items()
        if rows
    }
    baseline = seconds.get("baseline")
    lines = [
        f"Table 1 as obtained: {note}",
        f"{'':12s} {'valid bpc':>19s} {'s/epoch':>17s} {'time ratio':>19s}",
        f"{'':12s} {'obtained published':>19s} {'here published':>17s} "
        f"{'here published':>19s} {'epochs':>7s}",
    ]
    for model, time in seconds.items():
        row = table.get(model, unknown)
        best = min(row["valid_bpc"] for row in logs[model])
        best = scores.get(model, {}).get("valid_bpc", best)
        here = f"{time / baseline:.2f}" if baseline else "-"
        there = row["seconds_per_epoch"] / table["baseline"]["seconds_per_epoch"]
        lines.append(
            f"{model:12s} {best:9.3f} {row['valid_bpc']:9.3f} {time:9.0f} "
            f"{row['seconds_per_epoch']:7.0f} {here:>9s} {there:9.2f} "
            f"{len(logs[model]):7d}"
        )
    for model, found in scores.items():
        others = [
            f"{found[kind]['valid_bpc']:.3f} with {words}"
            for kind, words in STATISTICS.items()
            if kind in found
        ]
        if others:
            lines.append(f"{model} with exact statistics; {', '.join(others)}")
    return "\n".join(lines)


def needed(options):
    """The score that a model's table needs beside the log, or None.

    In Table 2 that of the whole sequence; in Table 1, for ``batch_norm``, that with
    exact statistics, for its log is of ones that lag behind the parameters.
    """
    if options.regularise:
        return "test_sequence_bpc"
    return "moving_average" if options.model == "batch_norm" else None


def scores(folder):
    """Return ``evaluation.json`` of a run's best epoch; empty if there is none."""
    path = folder.path / "evaluation.json"
    figures = read_json(path) if path.exists() else {}
    return figures if figures.get("epoch") == folder.history.best["epoch"] else {}


def unscored(options, folder):
    """Whether a run has not got the score that its table needs."""
    return needed(options) is not None and needed(options) not in scores(folder)


def train_all(options, train):
    """Train the five models one after the other; end with Table 1.

    Parameters
    ----------
    options : argparse.Namespace
        With ``each``, the options of each model.
    train : callable
        ``train(options)`` returns the run folder.
    """
    logs, scored = {}, {}
    for chosen in options.each:
        print(f"\n== {chosen.model} ==", flush=True)
        folder = train(chosen)
        logs[chosen.model] = folder.history.rows
        scored[chosen.model] = scores(folder) if needed(chosen) else {}
    data = "sample data" if options.sample else "Penn Treebank"
    note = f"{data}, {options.units} units, seed {options.seed}"
    print(f"\n{table_1(logs, scored, note)}", flush=True)
