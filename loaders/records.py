"""Records, whether lines of JSON, items of an array or rows of a table: each becomes a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docindex.errors import LoadError
from docindex.loaders.decoding import clean
from docindex.loaders.values import metadata_value, typed
from docindex.schema import Document, MetadataValue, Source

_NAMED_PLACES = 10


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field without fields of its own."""

    name: str
    """Dotted: `author.name`, `parts.0.weight`."""
    value: object
    repeated: bool
    """Inside a list of objects: its name differs from record to record."""


class RecordReader:
    """Makes documents of one source's records, by the field names in its options, and keeps account of bad ones.

    With `text_field` that field is the text. Without it the text has one `name: value` line a field. All other fields
    become metadata, except nulls, texts of more than 1,000 characters and what is inside lists of objects. Fields of
    objects have dotted names, which the options may use too. Ids are the id field's value, or `source#n`, n being the
    record's number from 1.
    """

    def __init__(self, source: Source, place: str, *, untyped: bool = False) -> None:
        self._source = source
        self._options = source.options
        self._place = place
        """What a record's number counts: "line"."""
        self._untyped = untyped
        """Values are the strings of table cells: numbers and the like are yet to be told."""
        self._problems: dict[str, list[int]] = {}
        self._ids: set[int] = set()
        self._records = 0
        self._titles = 0
        self._fields: tuple[str, ...] = ()

    def document(self, record: object, place: int) -> Document | None:
        """The record as a document, or None when it is bad; `place` is where a reader of the file would look for it.

        Raises:
            LoadError: Already the first record lacks the id or text field: the option is wrong, not the record.
        """
        self._records += 1
        if not isinstance(record, dict):
            self._bad("not an object", place)
            return None
        leaves = list(_leaves(record))
        if not self._fields:
            self._fields = tuple(record)
            self._require(record, self._options.id_field, self._options.text_field)
        doc_id, text = self._id(record), self._text(record, leaves)
        if doc_id is None or text is None:
            missing = self._options.text_field if doc_id else self._options.id_field
            self._bad(f"no usable field {missing!r}", place)
            return None
        if hash(doc_id) in self._ids:
            self._bad("an id that an earlier record has", place)
            return None
        self._ids.add(hash(doc_id))
        return Document(
            doc_id=doc_id,
            source=self._source.name,
            text=text,
            media_type=self._source.media_type,
            title=self._title(record),
            metadata=self._metadata(leaves),
        )

    def unreadable(self, reason: str, place: int) -> None:
        """Keeps account of a record that could not even be parsed."""
        self._records += 1
        self._bad(reason, place)

    def finish(self) -> None:
        """Ends the source.

        Raises:
            LoadError: There were bad records; the message says where. Or no record had the title field.
        """
        if self._problems:
            bad = sum(map(len, self._problems.values()))
            where = "; ".join(f"{self._places(places)}: {reason}" for reason, places in self._problems.items())
            raise LoadError(self._source.name, f"{bad} of {self._records} {self._place}s can't be read: {where}")
        if self._options.title_field and self._fields and not self._titles:
            raise LoadError(self._source.name, self._missing(self._options.title_field))

    def _bad(self, reason: str, place: int) -> None:
        self._problems.setdefault(reason, []).append(place)

    def _places(self, places: list[int]) -> str:
        named = ", ".join(map(str, places[:_NAMED_PLACES]))
        more = f" and {len(places) - _NAMED_PLACES} more" if len(places) > _NAMED_PLACES else ""
        return f"{self._place}{'s' if len(places) > 1 else ''} {named}{more}"

    def _require(self, record: Mapping[str, object], *names: str | None) -> None:
        for name in names:
            if name and not _has(record, name):
                raise LoadError(self._source.name, self._missing(name))

    def _missing(self, name: str) -> str:
        return f"has no field {name!r}: the fields are {', '.join(self._fields) or 'none'}"

    def _id(self, record: Mapping[str, object]) -> str | None:
        if not self._options.id_field:
            return f"{self._source.name}#{self._records}"
        value = _value_at(record, self._options.id_field)
        usable = isinstance(value, str | int | float) and not isinstance(value, bool)
        return (clean(str(value)).strip() or None) if usable else None

    def _title(self, record: Mapping[str, object]) -> str:
        name = self._options.title_field
        if not name or not _has(record, name):
            return ""
        self._titles += 1
        return " ".join(_as_text(_value_at(record, name)).split())

    def _text(self, record: Mapping[str, object], leaves: list[Leaf]) -> str | None:
        name = self._options.text_field
        if name:
            return clean(_as_text(_value_at(record, name))) if _has(record, name) else None
        lines = [(leaf.name, _as_text(leaf.value).strip()) for leaf in leaves]
        return clean("\n".join(f"{name}: {text}" for name, text in lines if text))

    def _metadata(self, leaves: list[Leaf]) -> dict[str, MetadataValue]:
        taken = [name for name in (self._options.id_field, self._options.title_field, self._options.text_field) if name]
        found: dict[str, MetadataValue] = {}
        for leaf in leaves:
            if leaf.repeated or any(leaf.name == name or leaf.name.startswith(f"{name}.") for name in taken):
                continue
            value = leaf.value
            kept = metadata_value(typed(value.strip()) if self._untyped and isinstance(value, str) else value)
            if kept is not None and leaf.name.strip():
                found[clean(leaf.name).strip()] = kept
        return found


def _leaves(value: Mapping[str, object], prefix: str = "", *, repeated: bool = False) -> Iterator[Leaf]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, dict):
            yield from _leaves(item, f"{name}.", repeated=repeated)
        elif isinstance(item, list) and any(isinstance(each, dict | list) for each in item):
            numbered = {str(number): each for number, each in enumerate(item)}
            yield from _leaves(numbered, f"{name}.", repeated=True)
        else:
            yield Leaf(name, item, repeated)


_ABSENT = object()


def _find(record: Mapping[str, object], name: str) -> object:
    if name in record:
        return record[name]
    for key, item in record.items():
        if isinstance(item, dict) and name.startswith(f"{key}."):
            found = _find(item, name[len(key) + 1 :])
            if found is not _ABSENT:
                return found
    return _ABSENT


def _has(record: Mapping[str, object], name: str) -> bool:
    return _find(record, name) is not _ABSENT


def _value_at(record: Mapping[str, object], name: str) -> object:
    found = _find(record, name)
    return None if found is _ABSENT else found


def _as_text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list():
            separator = "\n" if any(isinstance(item, str) and " " in item for item in value) else ", "
            return separator.join(filter(None, map(_as_text, value)))
        case dict():
            lines = ((leaf.name, _as_text(leaf.value)) for leaf in _leaves(value))
            return "\n".join(f"{name}: {text}" for name, text in lines if text)
        case _:
            return str(value)
