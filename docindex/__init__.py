"""Index folders of documents and answer questions from them, locally, with checked citations.

Example:
    >>> from docindex import Index
    >>> with Index.create(folder / "handbook") as index:
    ...     index.ingest(documents).failed
    ...     response = index.query("How long does the warranty last?")
    ()
    >>> response.no_answer
    False
"""

import logging

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

logging.getLogger("docindex").addHandler(logging.NullHandler())
