"""Index folders of documents and answer questions from them, locally, with checked citations."""
