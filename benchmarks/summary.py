"""The measured numbers as tables in Markdown."""

import yaml

from benchmarks.speed import PYTORCH
from common import ROOT


def table(header, rows):
    """Lay out a table whose first column is text and whose others are numbers."""
    lines = [
        "| " + " | ".join(header) + " |",
        "|---" + "|---:" * (len(header) - 1) + "|",
    ]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def ratio(value, base):
    return f"{value / base:.2f}" if base else ""


def megabytes(size):
    return f"{size / 1e6:,.0f}"


def compared(measured, base, paper=None):
    """Models beside each other: seconds, ratios, memory, compile time."""
    peers = (measured[name]["median"] for name in PYTORCH.values() if name in measured)
    pytorch = next(peers, None)
    first = measured.get(base, {}).get("median")
    header = ["", "s/update", "lowest", f"to {base}", "to PyTorch", "MB", "compile s"]
    if paper:
        header.insert(4, "paper")
    rows = []
    for name, one in measured.items():
        compiled = one.get("compile_seconds")
        row = [
            name,
            f"{one['median']:.3f}",
            f"{one['lowest']:.3f}",
            ratio(one["median"], first),
            ratio(one["median"], pytorch),
            megabytes(one["peak_bytes"]),
            "" if compiled is None else f"{compiled:.0f}",
        ]
        if paper:
            row.insert(4, paper.get(name, ""))
        rows.append(row)
    return table(header, rows)


def paper_ratios():
    """Seconds per epoch of Table 1, to the baseline's."""
    published = yaml.safe_load((ROOT / "published.yaml").read_text())["table_1"]
    seconds = {
        name: row["seconds_per_epoch"]
        for name, row in published.items()
        if isinstance(row, dict)
    }
    return {name: ratio(value, seconds["baseline"]) for name, value in seconds.items()}


def ptb(measured):
    return compared(measured, "baseline", paper_ratios())


def draw(measured):
    return compared(measured, "baseline")


def rewrites(measured):
    return compared(measured, "all")


def startup(measured):
    rows = [
        [
            f"{name}, {cache} cache",
            f"{one['startup_seconds']:.1f}",
            f"{one['compile_seconds']:.1f}",
            megabytes(one["peak_bytes"]),
        ]
        for name, caches in measured.items()
        for cache, one in caches.items()
    ]
    return table(["", "start-up s", "of it compiling", "MB, whole run"], rows)


def data(measured):
    rows = [
        [f"{name}, {one['source']}", f"{1e3 * one['mean']:.3f}", one["share"]]
        for name, one in measured.items()
    ]
    return table(["", "ms/batch", "of norm_prop's update"], rows)


def scaling(measured):
    """Seconds per update, microseconds per predicted symbol, ratios to PyTorch."""
    parts = []
    for what, values in measured.items():
        values = {value: models for value, models in values.items() if models}
        if not values:
            continue  # interrupted before
        names = list(next(iter(values.values())))
        peers = {name: f"{PYTORCH['ptb']} on {name.split()[-1]}" for name in names}
        pairs = [pair for pair in peers.items() if pair[1] in set(names) - {pair[0]}]
        header = [what.replace("_", " ")]
        for name in names:
            header += [f"{name}, s", "us/symbol"]
        header += [f"{name.split(' ', 1)[1]}, to PyTorch" for name, _ in pairs]
        rows = []
        for value, models in values.items():
            row = [str(value)]
            for name in names:
                one = models.get(name)
                row += (
                    [f"{one['median']:.3f}", f"{one['symbol']:.1f}"]
                    if one
                    else ["", ""]
                )
            for pair in pairs:
                one, peer = (models.get(name, {}).get("median") for name in pair)
                row.append(ratio(one, peer) if one else "")
            rows.append(row)
        parts.append(table(header, rows))
    return "\n".join(parts)


def numerics(measured):
    measured = {"gradients": {}, "training": {}, **measured}
    rows = [
        [model]
        + [
            f"{one[name]:.1e}"
            for name in ("fast_to_strict", "fast_to_double", "strict_to_double")
        ]
        + ["yes" if one["same_twice"] else "NO"]
        for model, one in measured["gradients"].items()
    ]
    header = ["gradient", "fast - strict", "fast - float64", "strict - float64"]
    text = table(header + ["same twice"], rows)
    rows = [
        [f"--math {math}", str(one["updates"]), f"{one['train_bpc']:.4f}"]
        + [f"{one['valid_bpc']:.4f}", f"{one['seconds']:.1f}"]
        for math, one in measured["training"].items()
    ]
    return text + "\n" + table(["", "updates", "train bpc", "valid bpc", "s"], rows)
