"""HTML taken out of a text: what a browser would not show."""

from __future__ import annotations

import html
import re

_INLINE = "a abbr acronym b big cite code del dfn em font i ins kbd mark q s samp small span strike"
_INLINE += " strong sub sup tt u var wbr"
_BLOCK = "address article aside base blockquote body br button caption center col colgroup dd div"
_BLOCK += " dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hr html img"
_BLOCK += " input label legend li link main meta nav ol option p pre script section select style"
_BLOCK += " table tbody td textarea tfoot th thead title tr ul video"
_UNSHOWN = ("script", "style", "head")
_TAG = re.compile(
    rf"<!--[^<>]*-->|<!doctype[^<>]*>|<(/?)({'|'.join([*_INLINE.split(), *_BLOCK.split()])})"
    r"(?:[\s/][^<>]*)?>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,30});", re.IGNORECASE)


def has_markup(text: str) -> bool:
    """Whether a text holds a tag or an entity of HTML.

    >>> has_markup("so <b>good</b>"), has_markup("Q&amp;A"), has_markup("a < b & c > d")
    (True, True, False)
    """
    return bool(_TAG.search(text) or _ENTITY.search(text))


def without_markup(text: str) -> str:
    r"""The text without tags, comments, scripts and styles, and with entities as their signs.

    Only the elements of HTML count: what else stands between angle brackets, such as an address
    in a mail, stays. A text without markup stays exactly as it is.

    >>> without_markup("<p>Fish &amp; <b>chips</b>,<br/>great!</p><script>track()</script>")
    'Fish & chips, great!'
    >>> without_markup("from <ann@example.org>: 1 < 2\n")
    'from <ann@example.org>: 1 < 2\n'
    """
    if not has_markup(text):
        return text
    parts: list[str] = []
    at, hidden = 0, ""
    for found in _TAG.finditer(text):
        if not hidden:
            parts.append(text[at : found.start()])
        at = found.end()
        name = (found[2] or "").lower()
        if name in _UNSHOWN and not found[0].endswith("/>"):
            hidden = "" if found[1] else (hidden or name)
        if name not in _INLINE.split():
            parts.append(" ")
    if not hidden:
        parts.append(text[at:])
    shown = html.unescape("".join(parts)).replace("\xa0", " ").replace("\0", "\ufffd")
    return "\n".join(line for part in shown.split("\n") if (line := " ".join(part.split())))
