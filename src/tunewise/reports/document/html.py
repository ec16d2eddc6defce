"""Sections as HTML. Every text is escaped here, and only here, by the format of `Markup`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from markupsafe import Markup

from tunewise.core.sanitize import shortened, shown, visible
from tunewise.reports.document import model as doc
from tunewise.reports.document.palette import color, dark_color

LONGEST_NAME, LONGEST_CELL, LONGEST_ANSWER, LONGEST_REPLY = 80, 200, 300, 600  # characters
LONGEST_TEXT = 1200  # of an example or an error
SWATCH = Markup('<span class="swatch" aria-hidden="true"></span>')
DETAIL, SMALL = '<span class="detail">{}</span>', " <small>{}</small>"
SIGNS = {True: ("✓", "right"), False: ("✗", "wrong"), None: ("", "")}

WHISKER = Markup(
    '<svg class="whisker" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
    '<line class="track" x1="0" x2="100" y1="5" y2="5"/>'
    '<line class="range" x1="{0}" x2="{1}" y1="5" y2="5"/>'
    '<line class="mean" x1="{2}" x2="{2}" y1="0" y2="10"/></svg>'
)


def section_html(section: doc.Section) -> Markup:
    """The section with its heading; nothing of it is trusted."""
    return Markup(
        '<section id="{key}" class="{key}" aria-labelledby="{key}-title">\n'
        '<h2 id="{key}-title">{title}</h2>\n{blocks}</section>\n'
    ).format(key=section.key, title=shown(section.title), blocks=blocks_html(section.blocks))


def blocks_html(blocks: Sequence[doc.Block]) -> Markup:
    """Blocks one below the other; charts that follow one another stand side by side."""
    made: list[Markup] = []
    for kind, group in groupby(blocks, key=_kind):
        found = list(map(_block, group))
        if kind == "figure":
            found = [_wrapped("div", {1: "", 2: "grid"}.get(len(found), "grid thirds"), found)]
        made += [_wrapped("div", "certainty", found)] if kind == "claim" else found
    return Markup("").join(made)


def _kind(block: doc.Block) -> str:
    if isinstance(block, doc.Paragraph) and block.style == "claim":
        return "claim"
    return "figure" if isinstance(block, doc.Figure) else ""


def _wrapped(tag: str, name: str, inside: Iterable[Markup]) -> Markup:
    kind = _around(' class="{}"', name)
    return Markup("<{}{}>{}</{}>\n").format(tag, kind, Markup("").join(inside), tag)


def _around(markup: str, text: str) -> Markup:
    """A text within markup of ours; nothing where there is no text."""
    return Markup(markup).format(text) if text else Markup("")


def _block(block: doc.Block) -> Markup:
    match block:
        case doc.Paragraph():
            text: Markup | str = shown(block.text)
            if block.link:
                text = Markup('<a href="#{}">{}</a>').format(block.link, text)
            if block.style == "strong":
                text = Markup("<strong>{}</strong>").format(text)
            if block.lead:
                text = Markup("<em>{}</em> {}").format(shown(block.lead), text)
            made = _wrapped("p", block.style or "text", [Markup("{}").format(text)])
        case doc.Table():
            made = _table(block)
        case doc.Bullets():
            made = _wrapped("ul", "bullets", map(_bullet, block.items))
        case doc.Figure():
            made = _figure(block)
        case doc.Code():
            made = Markup('<pre tabindex="0">{}</pre>\n').format(visible(block.text))
        case doc.Pairs():
            lines = (
                Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(shown(key), shown(value))
                for key, value in block.items
            )
            made = _wrapped("dl", "pairs", lines)
        case doc.Examples():
            made = _wrapped("ol", "items", map(_example, block.items))
        case doc.Details():
            made = Markup("<details{}><summary>{}{}</summary>\n{}</details>\n").format(
                Markup(" open") if block.open else "",
                shown(block.title),
                _around(" {}", chip(block.about) if block.about else ""),
                blocks_html(block.blocks),
            )
        case _:
            name = type(block).__name__
            raise TypeError(f"a page has no {name}; its outputs should not name html")
    return made


def _table(block: doc.Table) -> Markup:
    columns = block.columns_of("html")
    head = Markup("").join(
        Markup('<th scope="col"{}>{}</th>').format(_side(column), shown(column.title))
        for column in columns
    )
    body = Markup("").join(
        _row(columns, row, strong=place in block.strong)
        for place, row in enumerate(block.shown("html"))
    )
    cut = len(block.rows) > len(block.values("html"))
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
        more=_around('<p class="detail">{}</p>\n', more if cut else ""),
    )


def _side(column: doc.Column) -> Markup:
    return Markup(' class="number"') if column.number else Markup("")


def _row(columns: Sequence[doc.Column], row: Sequence[doc.Shown], *, strong: bool) -> Markup:
    named = row[0] if isinstance(row[0], doc.Named) else None
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


def _cell(cell: doc.Shown) -> Markup:
    if isinstance(cell, doc.Named):
        badges = (_badge(badge) for badge in cell.badges if "html" in badge.outputs)
        name, detail = _cut(cell.name, LONGEST_NAME), _around(DETAIL, shown(cell.detail))
        return Markup('{}<bdi class="name">{}</bdi>{}{}').format(
            SWATCH, name, Markup("").join(badges), detail
        )
    if not isinstance(cell, doc.Noted):
        return Markup("<bdi>{}</bdi>").format(_cut(cell, LONGEST_CELL))
    made = Markup('<span class="main">{}</span>').format(_cut(cell.text, LONGEST_CELL))
    if cell.span:
        low, high = cell.span.scale
        at = [
            f"{100 * (x - low) / (high - low):.2f}"
            for x in (cell.span.low, cell.span.high, cell.span.mean)
        ]
        made += WHISKER.format(*at)
    if cell.bar is not None:
        width = f"{100 * cell.bar:.1f}%"
        made += Markup('<span class="amount" style="--width: {}"></span>').format(width)
    for word, address in cell.links:
        made += Markup(' <a href="{}">{}</a>').format(address, word)
    return made + _around(DETAIL, _cut(cell.detail, LONGEST_CELL))


def _badge(badge: doc.Badge) -> Markup:
    return Markup('<span class="badge {}">{}</span>').format(badge.tone, shown(badge.text))


def _tint(one: doc.Named | None, name: str) -> Markup:
    if one is None:
        return _around(' class="{}"', name)
    return Markup(' class="{}" style="--light: {}; --dark: {}"').format(
        f"{name} tinted".strip(), color(one.position), dark_color(one.position)
    )


def chip(one: doc.Named) -> Markup:
    """A name with its color, within a line."""
    name, detail = _cut(one.name, LONGEST_NAME), _around(SMALL, shown(one.detail))
    return Markup("<span{}>{}<bdi>{}</bdi>{}</span>").format(
        _tint(one, "chip"), SWATCH, name, detail
    )


def _bullet(item: doc.Bullet) -> Markup:
    return Markup('<li class="{}"><p>{}{}{}</p>{}{}</li>\n').format(
        item.badge.tone if item.badge else "",
        _around("{} ", chip(item.about) if item.about else ""),
        _around("{} ", _badge(item.badge) if item.badge else ""),
        shown(item.text),
        _around('<p class="detail">{}</p>', shown(item.detail)),
        _around('<pre tabindex="0">{}</pre>', _whole(item.quoted)),
    )


def _figure(block: doc.Figure) -> Markup:
    title = shown(block.title)
    return Markup(
        '<figure>{caption}<div class="plot" data-chart="{key}" role="img" '
        'aria-label="{title}, described below"></div>\n'
        '<details class="words"><summary>In words</summary><p>{says}</p></details></figure>\n'
    ).format(
        caption=_around("<figcaption>{}</figcaption>\n", title),
        key=block.key,
        title=title,
        says=shown(block.says),
    )


def _example(example: doc.Example) -> Markup:
    several = len(example.texts) > 1
    texts = Markup("").join(
        Markup('{}<p dir="auto">{}</p>').format(_over(column if several else ""), _whole(text))
        for column, text in example.texts
    )
    answers = Markup("").join(map(_answer, example.answers))
    if example.truth and not any(answer.right for answer in example.answers):
        answers += _answer(doc.Answer(example.truth, True))
    return Markup(
        '<li class="item"><div class="texts">{}{}<span class="id"><bdi>{}</bdi></span></div>\n'
        '<dl class="answers">{}</dl></li>\n'
    ).format(_over(example.label), texts, shown(example.id), answers)


def _over(column: str) -> Markup:
    return _around('<span class="column">{}</span>', shown(column))


def _answer(answer: doc.Answer) -> Markup:
    """What was answered, marked right or wrong in a sign and for a screen reader; then by whom."""
    sign, word = SIGNS[answer.right]
    reply = "" if answer.wrote is None else "wrote nothing"
    if said := _cut(answer.wrote or "", LONGEST_REPLY):
        reply = f"“{said}”"
    return Markup(
        '<div class="{}"><dt><span aria-hidden="true">{}</span> <bdi>{}</bdi>{}{}</dt>'
        "<dd>{}{}</dd></div>\n"
    ).format(
        word,
        sign,
        _cut(answer.text, LONGEST_ANSWER),
        _around('<span class="hidden"> ({})</span>', word),
        _around(SMALL, shown(answer.note)),
        Markup("").join(map(chip, answer.by)),
        _around('<span class="said" dir="auto">{}</span>', reply),
    )


def _cut(text: str, most: int) -> str:
    return shortened(shown(text), most)


def _whole(text: str) -> str:
    """A text with its line breaks; the beginning of a very long one."""
    return visible(shortened(text, LONGEST_TEXT))
