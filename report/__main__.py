"""``./reproduce report``: one page of what was obtained beside what was published."""

import argparse
import sys
from pathlib import Path

from common.errors import RunError, report
from common.files import replacing

DESCRIPTION = """Write one page, as HTML and as Markdown, that sets what the runs gave
beside what the paper reports. It reads run folders, and what `./reproduce figures` left
in them, and trains nothing."""


def parse(arguments=None):
    parser = argparse.ArgumentParser(
        prog="./reproduce report", description=DESCRIPTION, allow_abbrev=False
    )
    parser.add_argument(
        "--results-dir",
        metavar="DIR",
        nargs="+",
        default=["results"],
        help="folders with run folders in them, or with folders of these (default: "
        "results)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="the HTML page; the Markdown goes beside it, ending in .md (default: "
        "report.html in the first results folder)",
    )
    return parser.parse_args(arguments)


def write(options):
    """Write both pages; return their paths.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    from report import page

    output = options.output or Path(options.results_dir[0]) / "report.html"
    if output.suffix != ".html":
        raise RunError(f"--output {output} does not end in .html")
    document = page.write(options.results_dir)
    paths = [output, output.with_suffix(".md")]
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make {output.parent} ({error.strerror})") from error
    for path, text in zip(paths, (document.as_html(), document.as_markdown())):
        with replacing(path) as file:
            file.write(text.encode("utf-8"))
    return paths


def main(arguments=None):
    options = parse(arguments)
    try:
        page, markdown = write(options)
    except RunError as error:
        return report("./reproduce report", error)
    print(f"{page}: open it in a browser. As Markdown: {markdown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
