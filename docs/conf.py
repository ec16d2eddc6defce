"""How the handbook is built: `make docs`. No network, neither now nor in the page."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tunewise import __version__

project = "Tunewise"
author = "the Tunewise authors"
project_copyright = author
version = release = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docs.extension.handbook",
]
exclude_patterns = ["_build", "extension"]
# The body of a page is written by hand and takes in what was generated.
exclude_patterns += [
    f"generated/{name}.md" for name in ("commands", "study-file", "methods", "tasks")
]
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(?!tunewise).*")]  # other libraries have pages of their own
# Parts that a page names without describing them: they are not for use from outside.
nitpick_ignore = [
    ("py:class", "tunewise.studyfile.settings.StudySettings"),
    ("py:class", "tunewise.studies.prepare.Prepared"),
    ("py:class", "tunewise.statistics.pairs.Pair"),
    ("py:class", "tunewise.backbones.model.Model"),
    ("py:class", "tunewise.data.sources.Data"),
    ("py:class", "tunewise.methods.base.OpenSettings"),
    ("py:class", "tunewise.methods.base.Unpacked"),
    ("py:class", "tunewise.analysis.verdict.requirements.Recommendation"),
    ("py:class", "tunewise.estimate.plan_types.Plan"),
    ("py:class", "tunewise.tasks.base.Settled"),
    ("py:class", "tunewise.tasks.prompts.Template"),
    ("py:class", "tunewise.decoding.strategies.Strategy"),
]
default_role = "literal"
smartquotes = False  # a prime in a formula is no quotation mark

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "Tunewise"
html_copy_source = False
html_show_sourcelink = False
