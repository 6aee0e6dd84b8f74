"""How programs write one text: as it is, and escaped for JSON, CSV, HTML, Markdown, addresses and Python's messages.

A customer's id is looked for in all of these, because a page has `M&amp;S-7` and a preview of rows `C\\|8` for an id
that no byte of them shows as it is.
"""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus

from retail_assets.storage.markdown_text import PREVIEW_CELL, as_cell

_JSON_IN_PAGES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "'": "\\u0027"})
_NO_WORD = "(?<![0-9A-Za-z_])"
#: Letters that belong to what is before a text: `\\n`, `\\x1b`, `\\u2026`, `%20`, and colors of a terminal (`ESC[31m`).
_ESCAPES = (r"\\[abfnrtv]", r"\\x[0-9a-f]{2}", r"\\u[0-9a-f]{4}", "%[0-9A-Fa-f]{2}",
            r"\x1b\[\dm", r"\x1b\[\d\dm", r"\x1b\[\d;\d\dm", r"\[\dm", r"\[\d\dm", r";\d\dm")  # fmt: skip
#: A pattern for where an id may begin: not within another word.
BEGINS = f"(?:{'|'.join([_NO_WORD, *(f'(?<={escape})' for escape in _ESCAPES)])})"


def written_forms(text: str) -> tuple[str, ...]:
    r"""Return every form of a text, the longest first; an ordinary one has no other than itself.

    >>> written_forms("CUST-81"), written_forms("M&S-8")[-3:]
    (('CUST-81',), ('M&amp;S-8', 'M%26S-8', 'M&S-8'))
    """
    # What a preview leaves of a long id is still a part of it.
    forms = {text, repr(text)[1:-1], text.replace('"', '""'), as_cell(text), as_cell(text, PREVIEW_CELL)}
    pages = html.escape(text)
    forms |= {pages, html.escape(text, quote=False), pages.replace("&#x27;", "&#39;").replace("&quot;", "&#34;")}
    forms |= {pages.replace("&#x27;", "&apos;"), json.dumps(text)[1:-1].translate(_JSON_IN_PAGES)}
    forms |= {quote(text), quote(text, safe=""), quote_plus(text)}
    # Texts in JSON are JSON themselves at times, such as in the tags of a run.
    for _ in range(2):
        forms |= {json.dumps(form, ensure_ascii=ascii_only)[1:-1] for form in forms for ascii_only in (True, False)}
    return tuple(sorted(filter(None, forms), key=lambda form: (-len(form), form)))
