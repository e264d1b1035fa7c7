"""THE WORLD -> DOCUMENTS. Knows the network; knows no database."""

from crawler.document import Document, Kind, document_key
from crawler.notes import Note, english_note
from crawler.source import Batch, Source, Status, Validators, Visit, load_sources

__all__ = [
    "Batch",
    "Document",
    "Kind",
    "Note",
    "Source",
    "Status",
    "Validators",
    "Visit",
    "document_key",
    "english_note",
    "load_sources",
]
