"""Sections as HTML. Every text is escaped here, and only here, by the format of `Markup`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from markupsafe import Markup

from tunewise.core.sanitize import shortened, shown, visible
from tunewise.reports.document.model import (
    Answer,
    Badge,
    Block,
    Bullet,
    Bullets,
    Code,
    Column,
    Details,
    Example,
    Examples,
    Figure,
    Named,
    Noted,
    Pairs,
    Paragraph,
    Section,
    Shown,
    Span,
    Table,
)
from tunewise.reports.document.palette import color, dark_color

LONGEST_NAME, LONGEST_CELL, LONGEST_ANSWER, LONGEST_REPLY = 80, 200, 300, 600  # characters
LONGEST_TEXT = 1200  # of an example or an error
SIGNS = {True: ("✓", "right"), False: ("✗", "wrong"), None: ("", "")}


def section_html(section: Section) -> Markup:
    """The section with its heading; nothing of it is trusted."""
    return Markup(
        '<section id="{key}" class="{key}" aria-labelledby="{key}-title">\n'
        '<h2 id="{key}-title">{title}</h2>\n{blocks}</section>\n'
    ).format(key=section.key, title=shown(section.title), blocks=blocks_html(section.blocks))


def blocks_html(blocks: Sequence[Block]) -> Markup:
    """Blocks one below the other; charts that follow one another stand side by side."""
    made: list[Markup] = []
    for kind, group in groupby(blocks, key=_kind):
        found = list(group)
        match kind:
            case "figure":
                wide = {1: "", 2: "grid"}.get(len(found), "grid thirds")
                made.append(_wrapped("div", wide, map(_block, found)))
            case "claim":
                made.append(_wrapped("div", "certainty", map(_block, found)))
            case _:
                made += map(_block, found)
    return Markup("").join(made)


def _kind(block: Block) -> str:
    if isinstance(block, Paragraph) and block.style == "claim":
        return "claim"
    return "figure" if isinstance(block, Figure) else ""


def _wrapped(tag: str, name: str, inside: Iterable[Markup]) -> Markup:
    opening = Markup('<{} class="{}">').format(tag, name) if name else Markup("<{}>").format(tag)
    return Markup("{}{}</{}>\n").format(opening, Markup("").join(inside), tag)


def _block(block: Block) -> Markup:
    if type(block) not in RENDERED:
        raise TypeError(f"a page has no {type(block).__name__}; its outputs should not name html")
    return RENDERED[type(block)](block)


def _paragraph(block: Paragraph) -> Markup:
    text: Markup | str = shown(block.text)
    if block.link:
        text = Markup('<a href="#{}">{}</a>').format(block.link, text)
    if block.style == "strong":
        text = Markup("<strong>{}</strong>").format(text)
    if block.lead:
        text = Markup("<em>{}</em> {}").format(shown(block.lead), text)
    return _wrapped("p", block.style or "text", [Markup("{}").format(text)])


def _table(block: Table) -> Markup:
    columns = block.columns_of("html")
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_side(column), shown(column.title))
        for column in columns
    )
    body = Markup("").join(
        _row(columns, row, strong=place in block.strong)
        for place, row in enumerate(block.shown("html"))
    )
    left_out = len(block.rows) - len(block.values("html"))
    more = f"The first {block.most} of {len(block.rows):,}; all stand in tables/{block.key}.csv."
    return Markup(
        '<div class="scroll" role="region" tabindex="0" aria-label="{caption}">\n'
        '<table class="{kind}"><caption>{caption}</caption><thead><tr>{head}</tr></thead>\n'
        "<tbody>\n{body}</tbody></table>\n</div>\n{more}"
    ).format(
        kind="cards" if block.cards else "counts",
        caption=shown(block.caption),
        head=head,
        body=body,
        more=Markup('<p class="detail">{}</p>\n').format(more) if left_out else "",
    )


def _side(column: Column) -> Markup:
    return Markup(' class="number"') if column.number else Markup("")


def _row(columns: Sequence[Column], row: Sequence[Shown], *, strong: bool) -> Markup:
    named = next((cell for cell in row[:1] if isinstance(cell, Named)), None)
    first, *others = [_cell(cell) for cell in row]
    cells = Markup("").join(
        Markup('<td{} data-label="{}"><div>{}</div></td>').format(
            _side(column), shown(column.title), cell
        )
        for column, cell in zip(columns[1:], others, strict=True)
    )
    return Markup('<tr{}><th scope="row">{}</th>{}</tr>\n').format(
        _tint(named, "strong" if strong else ""), first, cells
    )


def _cell(cell: Shown) -> Markup:
    if isinstance(cell, Named):
        return _named(cell)
    if not isinstance(cell, Noted):
        return Markup("<bdi>{}</bdi>").format(_cut(cell, LONGEST_CELL))
    text = Markup('<span class="main">{}</span>').format(_cut(cell.text, LONGEST_CELL))
    drawn = _whisker(cell.span) if cell.span else Markup("")
    if cell.bar is not None:
        width = f"{100 * cell.bar:.1f}%"
        drawn += Markup('<span class="amount" style="--width: {}"></span>').format(width)
    for word, address in cell.links:
        drawn += Markup(' <a href="{}">{}</a>').format(address, word)
    detail = Markup('<span class="detail">{}</span>').format(_cut(cell.detail, LONGEST_CELL))
    return text + drawn + (detail if cell.detail else Markup(""))


def _named(one: Named) -> Markup:
    """A name with its color, its badges and its small print."""
    return Markup(
        '<span class="swatch" aria-hidden="true"></span><bdi class="name">{}</bdi>{}{}'
    ).format(
        _cut(one.name, LONGEST_NAME),
        Markup("").join(_badge(badge) for badge in one.badges if "html" in badge.outputs),
        Markup('<span class="detail">{}</span>').format(shown(one.detail)) if one.detail else "",
    )


def _badge(badge: Badge) -> Markup:
    return Markup('<span class="badge {}">{}</span>').format(badge.tone, shown(badge.text))


def _tint(one: Named | None, name: str) -> Markup:
    if one is None:
        return Markup(' class="{}"').format(name) if name else Markup("")
    return Markup(' class="{}" style="--light: {}; --dark: {}"').format(
        f"{name} tinted".strip(), color(one.position), dark_color(one.position)
    )


def chip(one: Named) -> Markup:
    """A name with its color, within a line."""
    extra = Markup(" <small>{}</small>").format(shown(one.detail)) if one.detail else ""
    return Markup(
        '<span{}><span class="swatch" aria-hidden="true"></span><bdi>{}</bdi>{}</span>'
    ).format(_tint(one, "chip"), _cut(one.name, LONGEST_NAME), extra)


def _whisker(span: Span) -> Markup:
    low, high = span.scale
    at = [f"{100 * (x - low) / (high - low):.2f}" for x in (span.low, span.high, span.mean)]
    return Markup(
        '<svg class="whisker" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<line class="track" x1="0" x2="100" y1="5" y2="5"/>'
        '<line class="range" x1="{}" x2="{}" y1="5" y2="5"/>'
        '<line class="mean" x1="{}" x2="{}" y1="0" y2="10"/></svg>'
    ).format(at[0], at[1], at[2], at[2])


def _bullet(item: Bullet) -> Markup:
    about = chip(item.about) + " " if item.about else Markup("")
    badge = _badge(item.badge) + " " if item.badge else Markup("")
    detail = Markup('<p class="detail">{}</p>').format(shown(item.detail)) if item.detail else ""
    quoted = Markup('<pre tabindex="0">{}</pre>').format(_whole(item.quoted)) if item.quoted else ""
    return Markup('<li class="{}"><p>{}{}{}</p>{}{}</li>\n').format(
        item.badge.tone if item.badge else "", about, badge, shown(item.text), detail, quoted
    )


def _figure(block: Figure) -> Markup:
    title = shown(block.title)
    return Markup(
        '<figure>{caption}<div class="plot" data-chart="{key}" role="img" '
        'aria-label="{title}, described below"></div>\n'
        '<details class="words"><summary>In words</summary><p>{says}</p></details></figure>\n'
    ).format(
        caption=Markup("<figcaption>{}</figcaption>\n").format(title) if title else "",
        key=block.key,
        title=title,
        says=shown(block.says),
    )


def _pairs(block: Pairs) -> Markup:
    lines = (
        Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(shown(key), shown(value))
        for key, value in block.items
    )
    return _wrapped("dl", "pairs", lines)


def _details(block: Details) -> Markup:
    about = Markup(" ") + chip(block.about) if block.about else Markup("")
    return Markup("<details{}><summary>{}{}</summary>\n{}</details>\n").format(
        Markup(" open") if block.open else "", shown(block.title), about, blocks_html(block.blocks)
    )


def _example(example: Example) -> Markup:
    several = len(example.texts) > 1
    texts = Markup("").join(
        Markup('{}<p dir="auto">{}</p>').format(_over(column) if several else "", _whole(text))
        for column, text in example.texts
    )
    label = _over(example.label) if example.label else Markup("")
    answers = Markup("").join(map(_answer, example.answers))
    if example.truth and not any(answer.right for answer in example.answers):
        answers += _answer(Answer(example.truth, True))
    return Markup(
        '<li class="item"><div class="texts">{}{}<span class="id"><bdi>{}</bdi></span></div>\n'
        '<dl class="answers">{}</dl></li>\n'
    ).format(label, texts, shown(example.id), answers)


def _over(column: str) -> Markup:
    return Markup('<span class="column">{}</span>').format(shown(column))


def _answer(answer: Answer) -> Markup:
    """What was answered, marked right or wrong in a sign and for a screen reader; then by whom."""
    sign, word = SIGNS[answer.right]
    spoken = Markup('<span class="hidden"> ({})</span>').format(word) if word else Markup("")
    note = Markup(" <small>{}</small>").format(shown(answer.note)) if answer.note else ""
    wrote = Markup("")
    if answer.wrote is not None:
        reply = _cut(answer.wrote, LONGEST_REPLY)
        quoted = f"“{reply}”" if reply else "wrote nothing"
        wrote = Markup('<span class="said" dir="auto">{}</span>').format(quoted)
    return Markup(
        '<div class="{}"><dt><span aria-hidden="true">{}</span> <bdi>{}</bdi>{}{}</dt>'
        "<dd>{}{}</dd></div>\n"
    ).format(
        word,
        sign,
        _cut(answer.text, LONGEST_ANSWER),
        spoken,
        note,
        Markup("").join(map(chip, answer.by)),
        wrote,
    )


def _cut(text: str, most: int) -> str:
    return shortened(shown(text), most)


def _whole(text: str) -> str:
    """A text with its line breaks; the beginning of a very long one."""
    return visible(shortened(text, LONGEST_TEXT))


RENDERED: dict[type, Callable[[Any], Markup]] = {
    Paragraph: _paragraph,
    Table: _table,
    Bullets: lambda block: _wrapped("ul", "bullets", map(_bullet, block.items)),
    Figure: _figure,
    Code: lambda block: Markup('<pre tabindex="0">{}</pre>\n').format(visible(block.text)),
    Pairs: _pairs,
    Examples: lambda block: _wrapped("ol", "items", map(_example, block.items)),
    Details: _details,
}
