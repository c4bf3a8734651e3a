from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docindex.loaders.latex import LatexLoader
from docindex.schema import Document, Problem, Source
from docindex.testing.loader_contract import LoaderContract

ARTICLE = r"""\documentclass[11pt]{article}
\usepackage{amsmath} % for formulas
\newcommand{\gauge}{WindNet}
\newcommand{\pair}[2][x]{(#1, \emph{#2})}
\newcommand{\be}{\begin{equation}}
\newcommand{\ee}{\end{equation}}
\def\old#1{old #1}
\title{On \gauge: a study\thanks{Paid for}}
\author{Ann Lee$^{1}$ \and Bob~M\"uller\\ Town Hall \and C\'ecile \textsuperscript{2}}
\date{2024-05-01}
\begin{document}
\maketitle
\begin{abstract}
We present \gauge{}, 5\% better \cite[p.~3]{foo,bar}. % hidden remark
See~\ref{sec:a}.
\end{abstract}
\section{On \emph{wind}}\label{sec:a}
First ``para'' --- with \pair{y} and \pair[a]{b}; \old{gold}.
It costs \verb|a%b| and \url{http://a/b%20c_d}.
\iffalse
hidden remark
\fi

Second one\footnote{A note.} is \href{http://x}{here}, \SI{3}{\kilo\metre} and $x^2$.
\begin{itemize}
\item one
\item[two] too
  \begin{enumerate}
  \item deep

  more
  \item deeper
  \end{enumerate}
\end{itemize}
\be
E = mc^2
\ee
\subsection*{Parts}
\begin{table}[h]
\centering
\caption{Sizes of parts}
\begin{tabular}{l|cc}
\toprule
part & mm & \textbf{inch} \\ \midrule
bolt & 12 & 0.5 \\
nut & \multicolumn{2}{c}{8} \\ \bottomrule
\end{tabular}
\end{table}
\begin{theorem}[Fermat] There is none. \end{theorem}
\begin{verbatim}
  $ rm % all
    {
\end{verbatim}
\begin{lstlisting}[language=C]
int x = 1;
\end{lstlisting}
\begin{figure}\includegraphics[width=2cm]{vane.png}\caption{A \gauge{} picture}\end{figure}
\begin{tikzpicture}\draw (0,0);\end{tikzpicture}
\begin{thebibliography}{9}
\bibitem{foo} A. Foo, \emph{Bar}.
\end{thebibliography}
\end{document}
after the end
"""


class TestLatexLoader(LoaderContract):
    media_type = "text/x-tex"
    suffix = ".tex"

    def loader(self) -> LatexLoader:
        return LatexLoader()

    def write(self, path: Path) -> None:
        path.write_text(ARTICLE)


@pytest.fixture
def load(tmp_path: Path):
    def write_and_load(text: str) -> list[Document | Problem]:
        path = tmp_path / "paper.tex"
        path.write_bytes(text.encode("utf-8", "replace"))
        return list(LatexLoader().load(Source("paper.tex", path, "text/x-tex")))

    return write_and_load


@pytest.fixture
def read(load):
    def the_document(text: str) -> Document:
        (document,) = load(text)
        return document

    return the_document


def test_an_article(read):
    assert read(ARTICLE).text == (
        "On WindNet: a study\n\n"
        "Ann Lee\nBob Müller\nCécile\n\n"
        "2024-05-01\n\n"
        "Abstract\n\n"
        "We present WindNet, 5% better [foo,bar]. See sec:a.\n\n"
        "On wind\n\n"
        "First “para” — with (x, y) and (a, b); old gold. It costs a%b and http://a/b%20c_d.\n\n"
        "Second one (A note.) is here (http://x), 3 kilo metre and $x^2$.\n\n"
        "- one\n- two: too\n  1. deep\n\nmore\n\n  2. deeper\n\n"
        "\\begin{equation}\nE = mc^2\n\\end{equation}\n\n"
        "Parts\n\n"
        "Sizes of parts\n\n"
        "| part | mm | inch |\n| --- | --- | --- |\n| bolt | 12 | 0.5 |\n| nut | 8 | 8 |\n\n"
        "Theorem (Fermat). There is none.\n\n"
        "$ rm % all\n  {\n\n"
        "int x = 1;\n\n"
        "A WindNet picture\n\n"
        "References\n\n"
        "[foo] A. Foo, Bar."
    )


def test_what_an_article_says_of_itself(read):
    document = read(ARTICLE)
    assert document.title == "On WindNet: a study"
    assert document.metadata == {
        "author": ("Ann Lee", "Bob Müller", "Cécile"),
        "date": datetime(2024, 5, 1, tzinfo=UTC),
    }
    assert [(heading.level, heading.text) for heading in document.headings] == [
        (1, "On WindNet: a study"),
        (2, "Abstract"),
        (2, "On wind"),
        (3, "Parts"),
        (2, "References"),
    ]
    for heading in document.headings:
        assert document.text.startswith(f"{heading.text}\n", heading.start)


def test_tables_are_typed(read):
    (table,) = read(ARTICLE).tables
    assert table.name == "Sizes of parts"
    assert [(column.name, column.type) for column in table.columns] == [
        ("part", "text"),
        ("mm", "integer"),
        ("inch", "number"),
    ]
    assert [row.cells for row in table.rows] == [("bolt", 12, 0.5), ("nut", 8, 8.0)]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (r"\chapter{One} a \section{Two} b", "One\n\na\n\nTwo\n\nb"),
        (r"caf\'e na\"{\i}ve \ss{} \o \c{c}a \alpha\ \& \_ \# \{x\}", "café naïve ß ø ça α & _ # {x}"),
        ("a % b\nc\n% d\ne", "a c e"),
        ("a\n%\nb\n\nc", "a b\n\nc"),
        (r"\unknown{one} two \other[x]{three}", "one two [x]three"),
        (r"{\small \textbf{bold \emph{both}}} \textcolor{red}{red}", "bold both red"),
        (r"\begin{center} a \begin{odd}[x] b \end{odd} \end{center}", "a\n\n[x] b"),
        (r"\begin{tabular}{l} one \\ two \end{tabular}", "one\n\ntwo"),
        (r"before \[ a = b \] after $$ c $$", "before\n\n\\[ a = b \\]\n\nafter\n\n$$ c $$"),
        (r"\begin{description}\item[Vane] turns\end{description}", "- Vane: turns"),
        (r"\input{secret} \include{secret} \bibliography{secret} \label{secret}end", "end"),
        (r"\newcommand{\x}{\y}\newcommand{\y}{\x}\x end", "end"),
        (r"\newcommand\x[1]{\begin{itemize}\item #1\end{itemize}}\x{one}", "- one"),
        (r"\DeclareMathOperator{\rk}{rk} \let\one=\two \newtheorem{thm}{Theorem} end", "end"),
        (r"\url{a_b} \path{c\d} \verb+e+ \lstinline|f|", r"a_b c\d e f"),
        (
            r"\resizebox{1cm}{!}{\begin{tabular}{ll} a & b \\ 1 & 2 \end{tabular}}",
            "| a | b |\n| --- | --- |\n| 1 | 2 |",
        ),
    ],
)
def test_markup(read, markup, text):
    assert read(markup).text == text


@pytest.mark.parametrize(
    "broken",
    [
        "word } more words",
        "word { more words",
        "word $ more\n\nwords",
        r"word \end{x} more words",
        r"word \begin{x} more words",
        r"word \begin{x} more \end{y} words",
        r"word \textbf{more words",
        r"word \verb| more words",
        r"word \begin{verbatim} more words",
        r"word \iffalse more words",
        r"word \newcommand{\x more words",
        r"word \item[more words",
    ],
)
def test_broken_latex_keeps_its_words(read, broken):
    assert {"word", "more", "words"} <= set(read(broken).text.replace("$", " ").replace("[", " ").split())


def test_a_file_of_definitions_is_plain_text(read):
    text = "% Names.\n\\newcommand{\\gauge}{WindNet}\n\\newcommand{\\vane}[1]{\\emph{#1}}"
    assert read(text).text == text


def test_slides(read):
    document = read(
        r"\title{Talk}\section{One}\begin{frame}{First}a\end{frame}\begin{frame}\frametitle{Second}b\end{frame}"
    )
    assert document.text == "Talk\n\nOne\n\nFirst\n\na\n\nSecond\n\nb"
    assert [heading.level for heading in document.headings] == [1, 2, 3, 3]


@pytest.mark.parametrize("piece", ["{", "\\textbf{", "\\begin{a}", "\\item[", "\\footnote{"])
def test_what_is_nested_too_deeply_is_plain_text(read, piece):
    assert read(f"{piece * 3000} word").text.endswith("word")


@pytest.mark.parametrize(
    "piece",
    [
        "}",
        "$",
        "\\verb|",
        "\\begin{verbatim}",
        "\\iffalse ",
        "%",
        "\\\\[2pt]",
        "\\newcommand{\\x}",
        "\\frac",
        "&",
        "\\'e",
    ],
)
def test_repetition_takes_no_time(read, piece):
    started = time.process_time()
    read(piece * (10_000 // len(piece)))
    assert time.process_time() - started < 5


def nested(depth: int, body: str) -> str:
    r"""Macros `\x`, `\xx` and so on, each of which has the next one twice; the innermost is the body."""
    names = ["\\" + "x" * number for number in range(1, depth + 1)]
    definitions = [f"\\newcommand{{{name}}}{{{inner}{inner}}}\n" for name, inner in pairwise(names)]
    return "".join([*definitions, f"\\newcommand{{{names[-1]}}}{{{body}}}\n"])


def test_macros_that_would_grow_without_end(load):
    started = time.process_time()
    for bomb in (
        nested(39, "word") + "\\x",
        r"\newcommand{\x}[1]{\x{#1#1}\x{#1#1}}\x{ab}",
        nested(7, "word " * 300) + "\\x " * 500,
    ):
        document, *_ = load(bomb)
        assert len(document.text) < 3_000_000
    assert time.process_time() - started < 15


def test_what_macros_stand_for_beyond_the_limit_is_told_of(load):
    bomb = nested(24, "ha") + "\\begin{document}\\x\\end{document}"
    document, problem = load(bomb)
    assert document.text == bomb
    assert problem.source == "paper.tex"
    assert problem.reason.endswith("is put in their place: it is read as plain text, definitions and all")
    document, problem = load(nested(7, "word " * 300) + "\\x " * 500)
    assert document.text.startswith("word word")
    assert problem.reason.endswith("the rest is left out")
    document, problem = load(f"The harbour is deep. {nested(12, 'ha')} \\x There are twelve ships in it.")
    assert "twelve ships" in document.text
    assert problem.reason.endswith("the rest is left out")


def test_a_macro_in_its_own_definition_is_no_bomb(load):
    for text in (
        r"\renewcommand{\textbf}[1]{\emph{\textbf{#1}}}Some \textbf{bold} words.",
        r"\newcommand{\a}{\b}\newcommand{\b}{\a}Some \a words.",
        nested(6, "deep ") + r"Some \x words.",
    ):
        (document,) = load(text)
        assert document.text.startswith("Some")
        assert document.text.endswith("words.")


def test_the_parser_prints_nothing(read, capfd):
    read(r"\frac \begin{a} } \end{b} $")
    assert capfd.readouterr() == ("", "")


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 1800), st.sampled_from(["{", "}", "$", "\\", "%", "&", "\\begin{a}", "\n\n"])),
        max_size=6,
    )
)
def test_damage_is_read(read, changes):
    text = ARTICLE
    for at, put in changes:
        text = text[:at] + put + text[at:]
    assert read(text).text


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*"ab {}[]$%&~^_#\n", "\\", "\\begin{", "\\end{", "\\def", "\\item"]), max_size=40))
def test_any_text_is_read(read, pieces):
    read("".join(pieces))


@pytest.mark.parametrize(
    ("package", "encoding", "text"),
    [
        (r"\usepackage[koi8-r]{inputenc}", "koi8-r", "Насос работает."),
        (r"\usepackage[latin2]{inputenc}", "iso8859-2", "Příliš žluťoučký kůň"),
        (r"\usepackage [T1, applemac] {inputenc}", "mac_roman", "L'élève à l'école"),
        (r"\usepackage[ansinew]{inputenc}", "cp1252", "Größe – 5 €"),
        (r"\usepackage[cp850]{inputenc}", "cp850", "Übersicht für München"),
        (r"\RequirePackage[utf8]{inputenc}", "utf-8", "Größe"),
        (r"\inputencoding{cp1251}", "cp1251", "Насос"),
        (r"\usepackage[latin2]{inputenc}", "utf-8", "Größe"),
        (r"\usepackage[no-such]{inputenc}", "utf-8", "Größe"),
        (r"\usepackage[rot13]{inputenc}", "ascii", "plain"),
        (r"% \usepackage[koi8-r]{inputenc}", "cp1252", "Die Größe der Lösung, schön gelöst für München."),
    ],
)
def test_the_encoding_that_a_file_declares_is_believed(tmp_path, package, encoding, text):
    path = tmp_path / "a.tex"
    path.write_bytes(f"{package}\n\\begin{{document}}\n{text}\n\\end{{document}}".encode(encoding))
    (document,) = LatexLoader().load(Source("a.tex", path, "text/x-latex"))
    assert isinstance(document, Document)
    assert document.text == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (r"\S~3 and \P{} 4", "§ 3 and ¶ 4"),
        (r"\pounds 5, \textpounds{}6", "£ 5, £6"),
        (r"\copyright{} 2024", "© 2024"),
        (r"\LaTeX{} and \TeX, \BibTeX.", "LaTeX and TeX, BibTeX."),
        (r"a \textless{} b \textgreater{} c\textunderscore{}d", "a < b > c_d"),
        (r"\glqq gut\grqq{}", "„ gut“"),
        (r"\newcommand{\S}{Section}\S{} 3", "Section 3"),
    ],
)
def test_symbols_are_printed(tmp_path, source, text):
    path = tmp_path / "a.tex"
    path.write_text(source)
    (document,) = LatexLoader().load(Source("a.tex", path, "text/x-latex"))
    assert isinstance(document, Document)
    assert document.text == text


def test_when_and_how_wide_things_are_shown_on_slides_is_not_printed(tmp_path):
    path = tmp_path / "a.tex"
    path.write_text(
        r"""\documentclass{beamer}
\begin{document}
\begin{frame}<1->[t]{Pumps}
\begin{itemize}[<+->]
\item<1-> one
\item<+-| alert@+>[two] too
\end{itemize}
\only<2>{later} \uncover<2->{then} \alert<3,5->{all} \textbf<2>{bold} \pause
5 < 6 and 7 > 3
\begin{columns}[T]
\begin{column}[c]{0.5\textwidth} left \end{column}
\column{.5\textwidth} right
\end{columns}
\end{frame}
\end{document}"""
    )
    (document,) = LatexLoader().load(Source("a.tex", path, "text/x-latex"))
    assert isinstance(document, Document)
    assert document.text == ("Pumps\n\n- one\n- two: too\n\nlater then all bold 5 < 6 and 7 > 3\n\nleft\n\nright")


def test_what_looks_like_it_stays_in_other_files(tmp_path):
    path = tmp_path / "a.tex"
    path.write_text(r"\section{A} Angles \textless<1> are <2> kept.")
    (document,) = LatexLoader().load(Source("a.tex", path, "text/x-latex"))
    assert isinstance(document, Document)
    assert document.text == "A\n\nAngles <<1> are <2> kept."
