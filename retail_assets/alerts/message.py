"""A cause as a message: plain text, Slack's blocks, HTML. Text of files and errors is never markup in it."""

from __future__ import annotations

import hashlib
import html
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from retail_assets.alerts.causes import KINDS, NO_TROUBLE, Cause, anchor, cut
from retail_assets.storage import markdown_text
from retail_assets.wording.formats import listed, plural

_SUBJECTS_SHOWN = 5
#: Slack's limits of a header and of a text in a block.
_HEADER, _BLOCK = 150, 2900
#: Slack's limit of blocks, and how many messages come whole together; of more each is its title.
_BLOCKS, _WHOLE = 50, 40
_INVISIBLE = "\u200b"
_WORDS = {"error": "Error", "warning": "Warning", "info": "Info"}


@dataclass(frozen=True)
class Message:
    """A cause on its way: `identity` is the same however often it is sent, `again` how often it came before."""

    identity: str
    source: str
    cause: Cause
    again: int = 0


def new_identity() -> str:
    """Return an identity that no other message has."""
    return secrets.token_hex(8)


def identities(messages: Sequence[Message]) -> str:
    """Return the identities of what is sent together, which every attempt repeats; of very many a hash of them."""
    joined = ",".join(message.identity for message in messages)
    return joined if len(messages) <= _WHOLE else hashlib.sha256(joined.encode()).hexdigest()


def identity_of(messages: Sequence[Message]) -> str:
    """Return one identity for what is sent together: that of a message, of several another for other messages."""
    if len(messages) == 1:
        return messages[0].identity
    return hashlib.sha256(",".join(message.identity for message in messages).encode()).hexdigest()[:16]


def visible(text: str, *, lines: bool = True) -> str:
    """Return a text without control characters and direction marks; without `lines` on one line.

    >>> visible("a\\r\\nBcc: x@y", lines=False), visible("a\\x07b\\u202ec")
    ('a Bcc: x@y', 'a b c')
    """
    shown = "\n".join(map(markdown_text.visible, text.replace("\r\n", "\n").split("\n")))
    return shown.strip() if lines else " ".join(shown.split())


def title(message: Message) -> str:
    """Return the one line of a message, which is the subject of an e-mail."""
    cause = message.cause
    head = "" if cause.kind in NO_TROUBLE else f"{_WORDS[cause.severity]}: "
    return cut(visible(f"[{message.source}] {head}{cause.title}", lines=False), 200)


def sections(message: Message) -> list[tuple[str, str]]:
    """Return the parts of a message as heading and text; those without a text are left out."""
    cause = message.cause
    if cause.kind in NO_TROUBLE:
        return [("", visible(cause.reason))]
    named = [s for s in cause.subjects if s.name or s.concerned]
    shown = [": ".join(filter(None, (s.name, s.concerned))) for s in named[:_SUBJECTS_SHOWN]]
    more = [s.name for s in named[_SUBJECTS_SHOWN:]]
    concerned = "\n".join([*shown, *([f"and {plural(len(more), 'more landing')}, up to {max(more)}"] if more else [])])
    again = (
        f"The same cause was met {plural(message.again, 'more time')} since the last message." if message.again else ""
    )
    parts = [
        ("Concerned", concerned),
        ("Reason", cause.reason),
        ("What stays undone", cause.consequence),
        ("What to do", cause.todo),
        ("Found by", cause.found_by),
        ("Again", again),
        ("More", f"{KINDS[cause.kind]}: {anchor(cause.kind)}"),
    ]
    return [(heading, visible(text)) for heading, text in parts if text]


def parts_of_digest(message: Message) -> list[tuple[str, str]]:
    """Return the parts of a digest as heading and text; none for another message."""
    if message.cause.kind != "digest":
        return []
    return [
        (head, text) for part in visible(message.cause.reason).split("\n\n") for head, _, text in [part.partition("\n")]
    ]


def as_text(messages: Sequence[Message]) -> str:
    """Return one or several messages as plain text."""
    whole = len(messages) <= _WHOLE
    return ("\n\n" if whole else "\n").join("\n".join(_lines(m, whole=whole)) for m in messages) + "\n"


def _lines(message: Message, *, whole: bool = True, link_shown: bool = True) -> Iterable[str]:
    yield title(message)
    if not whole:
        return
    if message.cause.kind == "digest":
        yield ""
    for heading, text in sections(message):
        yield f"{heading}: {text}" if heading and "\n" not in text else f"{heading}:\n{text}" if heading else text
    if link_shown and (link := safe_link(message.cause.link)):
        yield link


def combined_title(messages: Sequence[Message]) -> str:
    """Return the title of what is sent together."""
    if len(messages) == 1:
        return title(messages[0])
    kinds = listed(dict.fromkeys(KINDS[m.cause.kind].lower() for m in messages))
    return cut(visible(f"[{messages[0].source}] {plural(len(messages), 'alert')}: {kinds}", lines=False), 200)


def as_slack(messages: Sequence[Message]) -> dict[str, Any]:
    """Return the body of a webhook that takes Slack's messages.

    The blocks are plain text, in which Slack sees no markup, no mention and no link; `text` is for receivers without
    blocks and for notifications, and is escaped as Slack asks for. Of several messages each is one block.
    """
    text = f"*{_escaped(combined_title(messages))}*\n" + "\n\n".join(map(_mrkdwn, messages))
    blocks: list[dict[str, Any]] = [_plain("header", cut(combined_title(messages), _HEADER))]
    if len(messages) > _WHOLE:
        blocks += [_plain("section", text) for text in _packed(map(title, messages), _BLOCK)]
    else:
        room = _BLOCKS - len(blocks) - len(messages)  # a link may be missing, a message never
        for message in messages:
            link = safe_link(message.cause.link) if room > 0 else None
            lines = [*_lines(message, link_shown=link is None)]
            if len(messages) == 1 and (parts := parts_of_digest(message)):
                for heading, own in parts:
                    blocks += [_marked(f"*{_escaped(heading)}*"), _plain("section", cut(own, _BLOCK))]
            else:
                blocks.append(_plain("section", cut("\n".join(lines if len(messages) > 1 else lines[1:]), _BLOCK)))
            if link:
                room -= 1
                blocks.append(_marked(f"<{_address(link)}|Open it>"))
    return {
        "text": cut(text, 3900),
        "blocks": blocks,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _packed(lines: Iterable[str], longest: int) -> list[str]:
    """Join lines to texts of at most so many characters."""
    texts: list[str] = []
    for line in lines:
        if texts and len(texts[-1]) + 1 + len(line) <= longest:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def _marked(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _plain(kind: str, text: str) -> dict[str, Any]:
    return {"type": kind, "text": {"type": "plain_text", "text": text or "-", "emoji": False}}


def _mrkdwn(message: Message) -> str:
    if digest := parts_of_digest(message):
        return "\n\n".join(f"*{_escaped(heading)}*\n{_escaped(text)}" for heading, text in digest)
    parts = [f"*{_escaped(heading)}*: {_escaped(text)}" if heading else _escaped(text)
             for heading, text in sections(message)]  # fmt: skip
    if link := safe_link(message.cause.link):
        parts.append(f"<{_address(link)}|Open it>")
    return "\n".join(parts)


def _escaped(text: str) -> str:
    """Escape as Slack asks for, so that `<!channel>` and `<http://…|…>` are shown as they are.

    Others read the text as Markdown, such as Mattermost, and have no escapes that Slack does not show: an invisible
    space keeps them from seeing a mention, a link or a picture.
    """
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "¦").replace("`", "'")
    return re.sub(r"@(?=\w)|\](?=[(\[:])|(?i:\bhttps?:)(?=//)|(?i:\bwww)(?=\.)", f"\\g<0>{_INVISIBLE}", text)


def _address(link: str) -> str:
    return link.replace("&", "&amp;")


def safe_link(link: str | None) -> str | None:
    """Return a link that is a web address and nothing else."""
    return link if link and re.match(r"https?://[^\s<>|\"']+\Z", link) else None


def as_html(messages: Sequence[Message]) -> str:
    """Return the HTML of an e-mail: no scripts, no pictures, no addresses but the link of the cause."""
    parts = []
    for message in messages:
        if len(messages) > _WHOLE:
            parts.append(f"<p>{html.escape(title(message))}</p>")
            continue
        parts.append(f"<h3>{html.escape(title(message))}</h3>")
        for heading, text in parts_of_digest(message):
            shown = html.escape(text).replace("\n", "<br>")
            parts.append(f"<h4>{html.escape(heading)}</h4><p>{shown}</p>")
        for heading, text in sections(message) if message.cause.kind != "digest" else ():
            shown = html.escape(text).replace("\n", "<br>")
            parts.append(f"<p>{f'<b>{html.escape(heading)}:</b> ' if heading else ''}{shown}</p>")
        if link := safe_link(message.cause.link):
            parts.append(f'<p><a href="{html.escape(link)}">Open it</a></p>')
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><body>{"".join(parts)}</body></html>'


def as_json(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return what a command gets: the parts of each message, and its text."""
    return [
        {
            "id": message.identity,
            "source": message.source,
            **asdict(message.cause),
            "title": title(message),
            "explained": anchor(message.cause.kind),
            "text": as_text([message]),
        }
        for message in messages
    ]
