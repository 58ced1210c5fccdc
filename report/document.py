"""A page that is written once and rendered twice, as HTML and as Markdown.

In texts, `backticks` and **asterisks** mean what they mean in Markdown; all else is
taken literally.
"""

import base64
import html
import re
from contextlib import contextmanager

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff;
  max-width: 76rem; margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.2; }
h2 { font-size: 1.25rem; margin-top: 2.2rem; border-bottom: 1px solid #ccc; }
h3 { font-size: 1.05rem; margin-top: 1.6rem; }
p, ul, pre, figure { max-width: 60rem; }
.wide { overflow-x: auto; margin: 0.6rem 0; }
table { border-collapse: separate; border-spacing: 0; font-size: 0.88rem;
  font-variant-numeric: tabular-nums; }
.title { font-weight: 600; font-size: 0.9rem; margin: 1.2rem 0 0; }
th, td { padding: 0.25rem 0.55rem 0.25rem 0; text-align: right; vertical-align: top;
  border-bottom: 1px solid #e4e4e4; white-space: nowrap; }
th { font-weight: 600; vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child, .texts th, .texts td { text-align: left; }
.texts td { white-space: normal; min-width: 5rem; }
.texts td:last-child { min-width: 13rem; overflow-wrap: anywhere; }
th.part { text-align: left; padding-top: 0.6rem; border-bottom-color: #999; }
tr.marked td { color: #6b4700; background: #fff6e0; }
.texts td:first-child code { white-space: nowrap; }
.glance { font-size: 0.85rem; line-height: 1.3; }
.glance th, .glance td { padding-top: 0.12rem; padding-bottom: 0.12rem; }
/* The difference of a partial run. */
.glance tr.marked td:nth-child(4) { color: #8a8a8a; }
.columns img { width: 100%; }
.columns figure { margin: 0 0 0.6rem; }
@media screen and (min-width: 64rem) {
  .columns { display: grid; grid-template-columns: max-content 1fr;
    gap: 2rem; }
}
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; display: block; }
figcaption, .note { font-size: 0.88rem; color: #444; }
pre { white-space: pre-wrap; background: #f5f5f5; padding: 0.7rem; font-size: 0.85rem; }
code { font-size: 0.9em; overflow-wrap: anywhere; }
li { margin: 0.35rem 0; }
@media screen and (max-width: 40rem) {
  /* The first column stays while the others scroll sideways. */
  th:first-child, td:first-child { position: sticky; left: 0; background: #fff;
    white-space: normal; max-width: 9rem; }
  tr.marked td:first-child { background: #fff6e0; }
  .glance { font-size: 0.75rem; }
  .glance td, .glance th { white-space: normal; padding-right: 0.3rem; }
  .glance th { font-size: 0.68rem; }
  .glance td:last-child { min-width: 5rem; padding-right: 0; }
  .texts td:first-child { position: static; max-width: none; }
  .flowing thead { display: none; }
  .flowing tr { display: block; padding: 0.3rem 0; border-bottom: 1px solid #e4e4e4; }
  .flowing td, .flowing th { display: inline; border: 0; padding: 0; }
  .flowing td:nth-child(2)::before { content: "beside "; }
  .flowing td:not(:last-child)::after { content: " · "; }
  ul { padding-left: 1.2rem; }
}
@media print {
  body { font-size: 10pt; max-width: none; padding: 0; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  th, td { white-space: normal; padding-right: 0.4rem; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
"""


class Document:
    """Blocks of a page, in order.

    Parameters
    ----------
    title : str
    """

    def __init__(self, title):
        self.title = title
        self._html = [f"<h1>{inline(title)}</h1>"]
        self._markdown = [f"# {title}"]

    def _add(self, as_html, as_markdown):
        self._html.append(as_html)
        self._markdown.append(as_markdown)

    def heading(self, text, level=2):
        self._add(
            f"<h{level}>{inline(text)}</h{level}>", f"{'#' * level} {escaped(text)}"
        )

    def text(self, text):
        self._add(f"<p>{inline(text)}</p>", escaped(text))

    def note(self, text):
        self._add(f'<p class="note">{inline(text)}</p>', escaped(text))

    def listing(self, items):
        self._add(
            "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>",
            "\n".join(f"- {escaped(item)}" for item in items),
        )

    @contextmanager
    def division(self, name=""):
        """Put what is added meanwhile into a division of the HTML page.

        The divisions within one named ``columns`` stand side by side where there is
        room, and else one below the other.
        """
        self._html.append(f'<div class="{name}">')
        yield
        self._html.append("</div>")

    def table(self, caption, header, rows, marked=(), look=""):
        """Add a table.

        Parameters
        ----------
        caption : str
        header : sequence of str
        rows : sequence of (sequence of str, or str)
            A single string is the title of the rows that follow.
        marked : container of int
            Rows that stand out: they must not be taken for the others.
        look : {'', 'texts', 'texts flowing', 'glance'}
            Of numbers; of words, aligned to the left, on narrow screens each row as a
            paragraph if flowing; or of numbers, set tight.
        """
        head = "".join(f"<th>{inline(cell)}</th>" for cell in header)
        body = ""
        for number, row in enumerate(rows):
            cells = "".join(f"<td>{inline(cell)}</td>" for cell in row)
            if isinstance(row, str):
                cells = f'<th class="part" colspan="{len(header)}">{inline(row)}</th>'
            mark = " class=marked" if number in marked else ""
            body += f"<tr{mark}>{cells}</tr>\n"
        # Not a <caption>, which would scroll sideways with the table on a phone.
        title = f'<p class="title">{inline(caption)}</p>' if caption else ""
        side = "---" if look.startswith("texts") else "---:"
        lines = [header, ["---"] + [side] * (len(header) - 1)]
        for row in rows:
            part = isinstance(row, str)
            lines.append([f"**{row}**"] + [""] * (len(header) - 1) if part else row)
        lines = [
            "| " + " | ".join(escaped(cell).replace("|", "\\|") for cell in line) + " |"
            for line in lines
        ]
        self._add(
            f'{title}<div class="wide"><table class="{look}">'
            f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>",
            (f"**{escaped(caption)}**\n\n" if caption else "") + "\n".join(lines),
        )

    def picture(self, content, kind, caption, alternative):
        """Add a picture, given as the bytes of a file.

        Parameters
        ----------
        content : bytes
        kind : {'svg+xml', 'png'}
        caption, alternative : str
            What stands below it, and what stands for it.
        """
        data = base64.b64encode(content).decode()
        self._add(
            f'<figure><img src="data:image/{kind};base64,{data}" '
            f'alt="{html.escape(alternative)}">'
            f"<figcaption>{inline(caption)}</figcaption></figure>",
            f"*({escaped(alternative)}; the picture is in the HTML page.)* "
            f"{escaped(caption)}",
        )

    def code(self, text):
        fence = "```"
        while fence in text:
            fence += "`"
        self._add(f"<pre>{html.escape(text)}</pre>", f"{fence}\n{text}\n{fence}")

    def as_html(self):
        body = "\n".join(self._html)
        return (
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(self.title)}</title>\n<style>{STYLE}</style>\n"
            f"</head>\n<body>\n{body}\n</body>\n</html>\n"
        )

    def as_markdown(self):
        return "\n\n".join(self._markdown) + "\n"


def inline(text):
    """Turn backticks and double asterisks into HTML, and escape all else."""
    text = html.escape(text)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)


def escaped(text):
    """Keep HTML out of Markdown."""
    return text.replace("<", "&lt;")
