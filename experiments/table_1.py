"""Tables of what was obtained, beside what the paper reports."""

from statistics import median

from experiments.published import published


def table_1(logs, note):
    """Lay out Table 1 as obtained, the best validation epoch of each model.

    Parameters
    ----------
    logs : dict of str to list of dict
        Rows of ``metrics.jsonl`` by model; a model without rows is left out.
    note : str
        What distinguishes these runs from the published ones, printed above.

    Returns
    -------
    str
    """
    table = published()["table_1"]
    seconds = {
        model: median(row["seconds"] for row in rows)
        for model, rows in logs.items()
        if rows
    }
    baseline = seconds.get("baseline")
    lines = [
        f"Table 1 as obtained: {note}",
        f"{'':12s} {'valid bpc':>19s} {'s/epoch':>17s} {'time ratio':>19s}",
        f"{'':12s} {'obtained published':>19s} {'here  GTX 750':>17s} "
        f"{'here published':>19s} {'epochs':>7s}",
    ]
    for model, time in seconds.items():
        row = table[model]
        best = min(row["valid_bpc"] for row in logs[model])
        here = f"{time / baseline:.2f}" if baseline else "-"
        there = row["seconds_per_epoch"] / table["baseline"]["seconds_per_epoch"]
        lines.append(
            f"{model:12s} {best:9.3f} {row['valid_bpc']:9.3f} {time:9.0f} "
            f"{row['seconds_per_epoch']:7d} {here:>9s} {there:9.2f} "
            f"{len(logs[model]):7d}"
        )
    return "\n".join(lines)
