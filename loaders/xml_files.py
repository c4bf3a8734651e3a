"""XML of any kind: documents by their structure, feeds by their entries, data as tables and outlines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from docindex.loaders.decoding import read_bytes
from docindex.loaders.html import HtmlLoader
from docindex.loaders.limits import check_file_size
from docindex.loaders.writing import DocumentWriter
from docindex.loaders.xml_feeds import is_feed, write_feed
from docindex.loaders.xml_prose import is_prose, write_prose
from docindex.loaders.xml_records import write_data
from docindex.loaders.xml_tree import name_of, parse_xml
from docindex.schema import Document, MetadataValue, Source


class XmlLoader:
    """One document a file. External entities and document types are never read; namespaces are left out.

    RSS and Atom become a section an entry. What is written to be read, such as DocBook, TEI, JATS or DITA, has its
    sections, lists, tables and code. All else is an outline of names and values, in which records of the same kind are
    the rows of typed tables.
    """

    def load(self, source: Source) -> Iterator[Document]:
        """The file as one document.

        Raises:
            LoadError: The file can't be read, is not well-formed XML, or expands entities without end.
        """
        check_file_size(source)
        root = parse_xml(source, read_bytes(source))
        if name_of(root).lower() == "html":
            yield from HtmlLoader().load(source)
            return
        writer, title = DocumentWriter(), ""
        metadata: dict[str, MetadataValue] = {}
        if is_feed(root):
            title, metadata = write_feed(writer, root)
        elif is_prose(root):
            title, metadata = write_prose(writer, root)
        else:
            write_data(writer, root)
        language = root.get("{http://www.w3.org/XML/1998/namespace}lang")
        if language:
            metadata.setdefault("language", str(language))
        yield writer.document(source, title=title or PurePosixPath(source.name).stem, metadata=metadata)
