"""A page that is written once and rendered twice, as HTML and as Markdown.

In texts, `backticks`, **asterisks** and backslashes mean what they mean in Markdown;
what others have written goes through :func:`literal` or :func:`code` first.
"""

import base64
import html
import re
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from string import Template

from common.errors import one_line

NOTHING = "–"
# In a text of which HTML's characters are escaped.
MARKUP = re.compile(r"\\(&#?\w+;|[^\w\s]|_)|`([^`]+)`|\*\*((?:\\.|[^\\])+?)\*\*")
# Of Markdown within a line; and what becomes a link by itself.
SPECIAL = re.compile(r"[\\`*\[\]<>|#~&@]|:(?=//)|(?<=www)\.|(?<!\w)_|_(?!\w)")
PLAIN_NAME = re.compile(r"[\w.+,:= /()-]{1,200}")
LONGEST = 400  # characters of somebody else's


class Document:
    """Blocks of a page, in order.

    Attributes
    ----------
    problems : list of str
        What could not be read or drawn, a sentence each.
    """

    def __init__(self):
        self.title, self.problems = "", []
        self._html, self._markdown = [], []

    def __len__(self):
        return len(self._markdown)

    def _add(self, as_html, as_markdown):
        self._html.append(as_html)
        self._markdown.append(as_markdown)

    def heading(self, text, level):
        self.title = self.title or text
        self._add(f"<h{level}>{inline(text)}</h{level}>", f"{'#' * level} {text}")

    def text(self, text):
        self._add(f"<p>{inline(text)}</p>", text)

    def note(self, text):
        self._add(f'<p class="note">{inline(text)}</p>', text)

    def problem(self, error):
        """Say in the page, where it lacks, what could not be read or drawn."""
        self.problems.append(f"{error}.")
        self.note(literal(f"{error}."))

    def listing(self, items):
        items = list(items)
        self._add(
            "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in items) + "</ul>",
            "\n".join(f"- {item}" for item in items),
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

    def table(self, caption, columns, items, marked=lambda item: False, look=""):
        """Add a table.

        Parameters
        ----------
        caption : str
        columns : dict of str to callable, or list of str
            The heads, and what makes a cell of an item: text, or None for nothing. Of
            a list the items are the cells.
        items : iterable
            What the rows are of; a string is the title of the rows that follow.
        marked : callable
            Whether an item's row stands out: it must not be taken for the others.
        look : {'', 'texts', 'texts flowing', 'glance'}
            Of numbers; of words, aligned to the left, on narrow screens each row as a
            paragraph if flowing; or of numbers, set tight.
        """
        head = "".join(f"<th>{inline(name)}</th>" for name in columns)
        side = "---" if look.startswith("texts") else "---:"
        rest = len(columns) - 1
        lines, body = [list(columns), ["---"] + [side] * rest], ""
        if not isinstance(columns, dict):
            columns = {name: itemgetter(i) for i, name in enumerate(columns)}
        for item in items:
            if isinstance(item, str):
                body += f'<tr><th class="part" colspan="{rest + 1}">{inline(item)}</th>'
                lines.append([f"**{item}**"] + [""] * rest)
            else:
                cells = [cell(item) for cell in columns.values()]
                lines.append([cell or NOTHING for cell in cells])
                body += "<tr class=marked>" if marked(item) else "<tr>"
                body += "".join(f"<td>{inline(cell)}</td>" for cell in lines[-1])
            body += "</tr>\n"
        # Not a <caption>, which would scroll sideways with the table on a phone.
        title = f'<p class="title">{inline(caption)}</p>' if caption else ""
        self._add(
            f'{title}<div class="wide"><table class="{look}">'
            f"<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>",
            (f"**{caption}**\n\n" if caption else "")
            + "\n".join(f"| {' | '.join(line)} |" for line in lines),
        )

    def picture(self, content, kind, caption):
        """Add a picture, given as the bytes of a file.

        Parameters
        ----------
        content : bytes
        kind : {'svg+xml', 'png'}
        caption : str
            What stands below it, and where pictures are not shown, for it.
        """
        data = base64.b64encode(content).decode()
        self._add(
            f'<figure><img src="data:image/{kind};base64,{data}" '
            f'alt="{re.sub("<.*?>", "", inline(caption))}">'
            f"<figcaption>{inline(caption)}</figcaption></figure>",
            f"*(The picture is in the HTML page.)* {caption}",
        )

    def code(self, text):
        text = "".join(c for c in text if c.isprintable() or c in "\n\t")
        fence = "```"
        while fence in text:
            fence += "`"
        self._add(f"<pre>{html.escape(text)}</pre>", f"{fence}\n{text}\n{fence}")

    def as_html(self):
        page = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
        title, body = html.escape(self.title), "\n".join(self._html)
        return Template(page).substitute(title=title, body=body)

    def as_markdown(self):
        return "\n\n".join(self._markdown) + "\n"


def inline(text):
    """Turn the markup of a text into HTML, and escape all else."""

    def tag(match):
        escaped, code, strong = match.groups()
        if strong:
            return f"<strong>{MARKUP.sub(tag, strong)}</strong>"
        return f"<code>{code}</code>" if code else escaped

    return MARKUP.sub(tag, html.escape(text))


def literal(text):
    """What somebody else has written, to be shown as it is: nothing in it is markup."""
    return SPECIAL.sub(r"\\\g<0>", one_line(text)[:LONGEST])


def code(text):
    """A name that somebody else has given, as code if that can hold it."""
    return f"`{text}`" if PLAIN_NAME.fullmatch(text) else literal(text)
