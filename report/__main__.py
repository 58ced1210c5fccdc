"""``./reproduce report``: one page of what was obtained beside what was published."""

import sys
from pathlib import Path

from common.arguments import Parser
from common.errors import RunError, one_line
from common.files import make_folder, replacing
from experiments.cli import carry_out
from report.options import add_results_dir

DESCRIPTION = """Write one page, as HTML and as Markdown, that sets what the runs gave
beside what the paper reports. It reads run folders, and what `./reproduce figures` left
in them, and trains nothing."""


def parse(arguments=None):
    parser = Parser(prog="./reproduce report", description=DESCRIPTION)
    add_results_dir(parser)
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        help="the HTML page; the Markdown goes beside it, ending in .md (default: "
        "report.html in the first results folder)",
    )
    return parser.parse_args(arguments)


def write(options, interrupts):
    """Write both pages, and say what they lack.

    Raises
    ------
    RunError
        If they cannot be written.
    """
    from report import page

    output = options.output or Path(options.results_dir[0]) / "report.html"
    if output.suffix != ".html":
        raise RunError(f"--output {output} does not end in .html")
    with interrupts.at_once():
        document = page.write(options.results_dir)
    make_folder(output.parent)
    markdown = output.with_suffix(".md")
    pages = {output: document.as_html(), markdown: document.as_markdown()}
    for path, text in pages.items():
        with replacing(path) as file:
            file.write(text.encode("utf-8"))
    for problem in document.problems:
        print(f"./reproduce report: {one_line(problem)}", file=sys.stderr)
    print(f"{output}: open it in a browser. As Markdown: {markdown}")


def main(arguments=None):
    return carry_out("./reproduce report", write, parse(arguments))


if __name__ == "__main__":
    sys.exit(main())
