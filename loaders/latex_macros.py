"""What macros of LaTeX's many packages take and show, as far as their names don't say it."""

from __future__ import annotations

from docindex.loaders.latex_source import CODE_MACRO, VERB_MACRO

SECTIONS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph", "subparagraph")
"""From the outermost to the innermost."""
CITATIONS = frozenset(
    (
        *("cite", "citep", "citet", "citealt", "citealp", "citeauthor", "citeyear", "citeyearpar", "Citet", "Citep"),
        *("parencite", "textcite", "autocite", "footcite", "fullcite", "citenum", "onlinecite"),
    )
)
REFERENCES = frozenset(
    (
        *("ref", "eqref", "pageref", "autoref", "cref", "Cref", "nameref", "vref", "subref"),
        *("gls", "Gls", "glspl", "Glspl", "ac", "acs", "acl", "acf", "acp", "acrshort", "acrlong", "acrfull"),
    )
)
"""What they name stands for the number or word that LaTeX would put there."""
QUANTITIES = frozenset(("SI", "qty", "si", "unit", "SIrange", "qtyrange"))
SILENT = {
    **dict.fromkeys(("label", "vspace", "hspace", "pagestyle", "thispagestyle", "bibliographystyle", "input"), "*{"),
    **dict.fromkeys(("include", "graphicspath", "hypersetup", "color", "index", "nocite", "thanks", "lstset"), "*{"),
    **dict.fromkeys(("usepackage", "documentclass", "RequirePackage", "includegraphics", "bibliography"), "*[{["),
    **dict.fromkeys(("setcounter", "addtocounter", "setlength", "addtolength", "newacronym"), "{{"),
    **dict.fromkeys(("theoremstyle", "addbibresource", "geometry", "usetikzlibrary", "pgfplotsset", "tikzset"), "{"),
    **dict.fromkeys(("newcommand", "renewcommand", "providecommand", "DeclareRobustCommand", "newrobustcmd"), "*{[[{"),
    **dict.fromkeys(("newenvironment", "renewenvironment"), "*{[[{{"),
    **dict.fromkeys(("cline", "cmidrule", "rowcolor", "columncolor", "cellcolor"), "[{"),
    **dict.fromkeys(("today", "maketitle", "tableofcontents", "hline", "toprule", "midrule", "bottomrule"), ""),
    **dict.fromkeys(("centering", "noindent", "appendix", "clearpage", "newpage", "and", "And", "AND", "relax"), ""),
    "newtheorem": "*{[{[",
    "DeclareMathOperator": "*{{",
    "definecolor": "{{{",
}
"""Macros that show nothing, or something from elsewhere, and what they take."""
SHOWN = {
    **dict.fromkeys(SECTIONS, "*[{"),
    **dict.fromkeys(("caption", "subcaption", "frametitle", "framesubtitle", "title", "subtitle", "author"), "*[{"),
    **dict.fromkeys(("date", "keywords", "affiliation", "institute", "url", "path", "nolinkurl", "email"), "*[{"),
    **dict.fromkeys(("textcolor", "colorbox", "parbox", "raisebox", "rotatebox", "scalebox"), "[{{"),
    **dict.fromkeys(("hyperref", "footnote", "footnotetext", "bibitem", "item"), "[{"),
    **dict.fromkeys(("href", "hypertarget", "hyperlink", "foreignlanguage", "texorpdfstring"), "{{"),
    **dict.fromkeys(CITATIONS, "*[[{"),
    **dict.fromkeys(REFERENCES, "*[{"),
    **dict.fromkeys(QUANTITIES, "[{{"),
    **dict.fromkeys(("si", "unit"), "[{"),
    **dict.fromkeys(("captionof", "resizebox"), "*{{{"),
    "captionof": "*{[{",
    "subfloat": "[[{",
    "item": "[",
    "multicolumn": "{{{",
    "multirow": "[{[{[{",
    "SIrange": "[{{{",
    "qtyrange": "[{{{",
    CODE_MACRO: "{",
    VERB_MACRO: "{",
}
"""Macros that show their last argument or more, and what they take."""
ENVIRONMENTS = {
    **dict.fromkeys(("tabular", "array", "longtable", "supertabular"), "[{"),
    **dict.fromkeys(("tabular*", "tabularx", "tabulary", "xltabular"), "{[{"),
    **dict.fromkeys(("figure", "figure*", "table", "table*", "enumerate", "itemize", "description", "frame"), "["),
    **dict.fromkeys(("multicols", "thebibliography", "adjustbox", "subfigure", "subtable"), "[{"),
    "column": "[{",
    "columns": "[",
    "minipage": "[[[{",
    "wrapfigure": "[{[{",
    "wraptable": "[{[{",
}
"""Environments and what they take."""
SYMBOLS = {
    "S": "§", "P": "¶", "dag": "†", "ddag": "‡", "pounds": "£", "textpounds": "£", "copyright": "©", "yen": "¥",
    "euro": "€", "EUR": "€", "degree": "°", "celsius": "°C", "micro": "µ", "permil": "‰", "textminus": "−",
    "textless": "<", "textgreater": ">", "textbar": "|", "textunderscore": "_", "slash": "/", "checkmark": "✓",
    "textlbrack": "[", "textrbrack": "]", "textborn": "*", "textdied": "†", "lbrace": "{", "rbrace": "}",
    "glqq": "„", "grqq": "“", "glq": "‚", "grq": "‘", "flqq": "«", "frqq": "»", "og": "« ", "fg": " »",
    "space": " ", "nobreakspace": " ", "enspace": " ", "thinspace": " ", "TeX": "TeX", "LaTeX": "LaTeX",
    "LaTeXe": "LaTeX2e", "BibTeX": "BibTeX", "XeTeX": "XeTeX", "XeLaTeX": "XeLaTeX", "LuaTeX": "LuaTeX",
    "LuaLaTeX": "LuaLaTeX", "pdfTeX": "pdfTeX", "pdfLaTeX": "pdfLaTeX", "ConTeXt": "ConTeXt", "AmS": "AMS",
}  # fmt: skip
"""Macros without arguments that the library has no text for, and what they print."""
TABLES = frozenset(
    ("tabular", "array", "longtable", "supertabular", "tabu", "tabular*", "tabularx", "tabulary", "xltabular")
)
LISTS = frozenset(("itemize", "enumerate", "description", "compactitem", "compactenum", "inparaenum", "asparaenum"))
STATEMENTS = frozenset(
    (
        *("theorem", "lemma", "proposition", "corollary", "definition", "remark", "example", "proof", "claim", "fact"),
        *("conjecture", "assumption", "observation", "notation", "exercise", "problem", "solution", "question"),
        *("thm", "lem", "prop", "cor", "defn", "rem", "axiom", "algorithm"),
    )
)
"""Environments whose name is said before them."""
