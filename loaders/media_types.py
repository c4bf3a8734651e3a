"""Which suffix says what. Formats with a loader of their own list their suffixes in the registry."""

from __future__ import annotations

PDF = "application/pdf"
HTML = "text/html"
TEXT = "text/plain"
XML = "text/xml"
RTF = "application/rtf"
EPUB = "application/epub+zip"
EMAIL = "message/rfc822"
MBOX = "application/mbox"
ZIP = "application/zip"
TAR = "application/x-tar"
GZIP = "application/gzip"
BZIP2 = "application/x-bzip2"
XZ = "application/x-xz"
ZSTD = "application/zstd"
SEVEN_ZIP = "application/x-7z-compressed"
SQLITE = "application/vnd.sqlite3"
SQLITE_LOGS = ("-wal", "-journal")
"""What is put after the name of a database to name the files that hold changes of it."""
SUBTITLES = "text/x-subtitles"
SVG = "image/svg+xml"
WORD_97 = "application/msword"
EXCEL_97 = "application/vnd.ms-excel"
POWERPOINT_97 = "application/vnd.ms-powerpoint"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"

WORD: dict[str, str] = {
    ".docx": DOCX,
    ".docm": "application/vnd.ms-word.document.macroenabled.12",
    ".dotx": "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
}
SLIDES: dict[str, str] = {
    ".pptx": PPTX,
    ".pptm": "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    ".ppsx": "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
}
SHEETS: dict[str, str] = {
    ".xlsx": XLSX,
    ".xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    ".xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    ".xls": EXCEL_97,
    ".ods": ODS,
}
OPEN_DOCUMENT: dict[str, str] = {
    ".odt": ODT,
    ".ott": "application/vnd.oasis.opendocument.text-template",
    ".odp": ODP,
    ".otp": "application/vnd.oasis.opendocument.presentation-template",
}
TARS: dict[str, str] = dict.fromkeys(
    (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz"), TAR
)  # fmt: skip
COMPRESSED: dict[str, str] = {".gz": GZIP, ".bz2": BZIP2, ".xz": XZ}

CODE: dict[str, str] = {
    **dict.fromkeys((".py", ".pyi", ".pyw"), "text/x-python"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "text/x-javascript"),
    **dict.fromkeys((".ts", ".mts", ".cts"), "text/x-typescript"),
    **dict.fromkeys((".tsx",), "text/x-tsx"),
    **dict.fromkeys((".c", ".h"), "text/x-c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx"), "text/x-c++"),
    **dict.fromkeys((".cs",), "text/x-csharp"),
    **dict.fromkeys((".java",), "text/x-java"),
    **dict.fromkeys((".go",), "text/x-go"),
    **dict.fromkeys((".rs",), "text/x-rust"),
    **dict.fromkeys((".rb",), "text/x-ruby"),
    **dict.fromkeys((".php",), "text/x-php"),
    **dict.fromkeys((".sh", ".bash"), "text/x-shellscript"),
}
"""Programming languages whose grammar is known."""

PLAIN_TEXT: dict[str, str] = {
    **dict.fromkeys((".txt", ".text", ".log", ".asc", ".nfo", ".diff", ".patch"), TEXT),
    **dict.fromkeys((".bib", ".sty", ".cls"), "text/x-tex"),
    **dict.fromkeys((".adoc", ".asciidoc"), "text/x-asciidoc"),
    **dict.fromkeys((".org",), "text/x-org"),
    **dict.fromkeys((".ini", ".cfg", ".conf", ".properties", ".env"), "text/x-config"),
    **dict.fromkeys((".kt", ".kts"), "text/x-kotlin"),
    **dict.fromkeys((".pl", ".pm"), "text/x-perl"),
    **dict.fromkeys((".lua",), "text/x-lua"),
    **dict.fromkeys((".r",), "text/x-r"),
    **dict.fromkeys((".jl",), "text/x-julia"),
    **dict.fromkeys((".swift",), "text/x-swift"),
    **dict.fromkeys((".scala",), "text/x-scala"),
    **dict.fromkeys((".hs",), "text/x-haskell"),
    **dict.fromkeys((".zsh", ".fish"), "text/x-shell"),
    **dict.fromkeys((".ps1",), "text/x-powershell"),
    **dict.fromkeys((".sql",), "text/x-sql"),
    **dict.fromkeys((".css", ".scss", ".less"), "text/css"),
    **dict.fromkeys((".f", ".f90", ".for"), "text/x-fortran"),
    **dict.fromkeys((".cmake",), "text/x-cmake"),
    **dict.fromkeys((".mk",), "text/x-makefile"),
}
"""Read as they are."""

UNREAD: dict[str, str] = {
    ".zst": ZSTD,
    ".7z": SEVEN_ZIP,
    ".rar": "application/vnd.rar",
    ".jar": "application/java-archive",
    ".whl": "application/x-wheel+zip",
    ".doc": WORD_97,
    ".ppt": POWERPOINT_97,
    ".odg": "application/vnd.oasis.opendocument.graphics",
    ".ps": "application/postscript",
    ".svg": SVG,
    ".png": "image/png",
    **dict.fromkeys((".jpg", ".jpeg"), "image/jpeg"),
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    **dict.fromkeys((".tif", ".tiff"), "image/tiff"),
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".mp4": "video/mp4",
    ".parquet": "application/vnd.apache.parquet",
    ".npy": "application/x-npy",
    **dict.fromkeys((".so", ".o", ".a", ".exe", ".dll", ".pyc"), "application/octet-stream"),
    **dict.fromkeys((".ttf", ".otf", ".woff", ".woff2"), "font/sfnt"),
}
"""Known by name, so that the report can say what was passed over."""
