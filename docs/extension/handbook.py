"""The handbook's own Sphinx extension: generated pages are written, formulae become MathML.

MathML is drawn by the browser itself, so a page with formulae loads no script.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docs.extension.pages import pages
from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx


def write_pages(app: Sphinx) -> None:
    """Write ``docs/generated``, touching only what changed, so that rebuilds stay quick."""
    folder = Path(app.srcdir) / "generated"
    for path, text in pages():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            place.write_text(text, encoding="utf-8")


def inline_formula(translator: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    translator.body.append(str(latex2mathml.tex2mathml(node.astext(), as_block=False)))
    raise nodes.SkipNode


def block_formula(translator: Any, node: nodes.math_block) -> None:
    """Write a formula on a line of its own."""
    formula = latex2mathml.tex2mathml(node.astext(), as_block=True)
    translator.body.append(f'<div class="math">{formula}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect both to Sphinx."""
    app.connect("builder-inited", write_pages)
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
