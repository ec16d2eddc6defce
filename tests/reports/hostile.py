"""Sixty texts that break reports: markup, scripts, formulas, escapes, directions, broken signs."""

from __future__ import annotations

# Markup and scripts
MARKUP = (
    "<script>window.hacked=1</script>",
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1>",
    "<svg><script>window.hacked=1</script></svg>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe>",
    "<a href='javascript:window.hacked=1'>click</a>",
    "<style>*{display:none}</style>",
    "<link rel=stylesheet href=//example.invalid/x.css>",
    "<meta http-equiv=refresh content='0;url=//example.invalid'>",
    "<base href=//example.invalid/>",
    "<form action=//example.invalid><input name=a autofocus onfocus=window.hacked=1></form>",
    "<object data='data:text/html,<script>parent.hacked=1</script>'></object>",
    "<math><mtext></p><img src=x onerror=window.hacked=1></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=window.hacked=1>'>",
    "<!--<script>window.hacked=1</script>-->",
    "]]></svg><img src=x onerror=window.hacked=1>",
    '" onmouseover="window.hacked=1" x="',
    "' onfocus='window.hacked=1' autofocus='",
    "</style><script>window.hacked=1</script>",
    "</title><script>window.hacked=1</script>",
    "</pre></table></main></body></html>",
    "&lt;script&gt;window.hacked=1&lt;/script&gt;",
    "&amp;&nbsp;&quot;&#0;&bogus;",
    "\\u003cscript\\u003ewindow.hacked=1\\u003c/script\\u003e",
    "data:text/html;base64,PHNjcmlwdD53aW5kb3cuaGFja2VkPTE8L3NjcmlwdD4=",
)
# Templates and expressions
TEMPLATES = (
    "{{ 7*7 }}{% raw %}{{ config }}",
    "${7*7}#{7*7}<%= 7*7 %>",
    "{{constructor.constructor('window.hacked=1')()}}",
    "'; window.hacked=1; //",
    "datum.name'] || (window.hacked=1) || ['",
    "__proto__",
)
# Spreadsheets and LaTeX
FORMULAS = (
    '=HYPERLINK("http://example.invalid","open")',
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\t=1+1",
    "\r=1+1",
    "\\input{/etc/passwd}\\write18{id} $x_1^2$ % & # ~",
    '\\begin{document}\\csname end\\endcsname ^^5cinput{x} "quoted"',
)
# Terminals
TERMINALS = (
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07\x1b]8;;http://example.invalid\x07link\x1b]8;;\x07",
    "\x9b31mC1\x9b0m \x08\x08\x08\x7f",
    "[bold red]markup[/] [link=http://example.invalid]rich[/link]",
)
# Directions, signs that vanish, broken ones
SIGNS = (
    "\u202egnp.exe\u202c and \u2066isolated\u2069",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd mixed \u200f with left",
    "Z\u0351\u036b\u0343\u036a\u0302a\u0321\u034c\u0300l\u0334\u0315g\u0322\u0361o\u0489",
    "a\u2028b\u2029c\x00d\ufeff",
    "\U0001f469\u200d\U0001f680 \U0001f1e9\U0001f1ea \U000e0041",
)
# Paths and lengths
PATHS = (
    "../../../../etc/passwd",
    "",
    "W" * 20_000,
    "C:\\Windows\\System32\\drivers",
    "CON",
    "nul.txt",
    "a:b|c?d*e<f>. ",
)
# Typesetting and notation
TYPESETTING = (
    '#panic("run") #read("/etc/passwd") #import "/etc/passwd": *',
    "$ x^2 $ *bold* _it_ `raw` @nowhere <label> = Heading ] [ /* open // \\u{0}",
    "![x](http://example.invalid/x.png) [a](javascript:window.hacked=1)\n# Title\n```sh\nls\n```",
    '!!python/object/apply:os.system ["touch hacked"]',
)

HOSTILE: tuple[str, ...] = (
    *(*MARKUP, *TEMPLATES, *FORMULAS, *TERMINALS),
    *(*SIGNS, *PATHS, *TYPESETTING),
)
