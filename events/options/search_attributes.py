"""Search attributes: values by which workflows can be found, typed and without being declared anywhere first.

A key is a name and a type; a pair is a key with its value. What is stored is a plain JSON object that keeps the type,
`{"CustomerId": {"type": "Keyword", "value": "c-17"}}`: a filter can be checked against it, and a value comes back as
what it was. Times are stored in UTC, in ISO format with a fixed number of digits: such text sorts like the times.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from itertools import pairwise
from typing import Any, ClassVar, Final, Generic, NamedTuple, TypeAlias, TypeVar, get_origin, overload

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.public import public

__all__ = [
    "SearchAttributeIndexedValueType",
    "SearchAttributeKey",
    "SearchAttributePair",
    "SearchAttributeUpdate",
    "SearchAttributeValue",
    "SearchAttributeValueType",
    "SearchAttributeValues",
    "SearchAttributes",
    "TypedSearchAttributes",
    "changes_of",
    "from_stored",
    "to_stored",
    "typed_search_attributes",
    "untyped",
    "with_updates",
]

SearchAttributeValues: TypeAlias = list[str] | list[int] | list[float] | list[bool] | list[datetime]
SearchAttributes: TypeAlias = Mapping[str, SearchAttributeValues]
"""The untyped form, which Temporal calls deprecated: a list of values for each name."""
SearchAttributeValue: TypeAlias = str | int | float | bool | datetime | Sequence[str]
SearchAttributeValueType = TypeVar("SearchAttributeValueType", str, int, float, bool, datetime, Sequence[str])
D = TypeVar("D")


@public("understudy.common")
class SearchAttributeIndexedValueType(IntEnum):
    """The kinds of values that an attribute can have."""

    TEXT = 1
    KEYWORD = 2
    INT = 3
    DOUBLE = 4
    BOOL = 5
    DATETIME = 6
    KEYWORD_LIST = 7


_Kind = SearchAttributeIndexedValueType
_STORED: Final = {
    _Kind.TEXT: "Text",
    _Kind.KEYWORD: "Keyword",
    _Kind.INT: "Int",
    _Kind.DOUBLE: "Double",
    _Kind.BOOL: "Bool",
    _Kind.DATETIME: "Datetime",
    _Kind.KEYWORD_LIST: "KeywordList",
}


@public("understudy.common")
@dataclass(frozen=True)
class SearchAttributeKey(Generic[SearchAttributeValueType]):
    """The name and the type of an attribute; made by the `for_` functions."""

    name: str
    indexed_value_type: SearchAttributeIndexedValueType
    value_type: type[SearchAttributeValueType]
    """The type of its values; may be generic, see `origin_value_type`."""

    @property
    def origin_value_type(self) -> type:
        """The type of its values, for `isinstance`."""
        return get_origin(self.value_type) or self.value_type

    def value_set(self, value: SearchAttributeValueType) -> SearchAttributeUpdate[SearchAttributeValueType]:
        """Return the update that sets this attribute."""
        _check(self, value)
        return SearchAttributeUpdate(self, value)

    def value_unset(self) -> SearchAttributeUpdate[SearchAttributeValueType]:
        """Return the update that takes this attribute away."""
        return SearchAttributeUpdate(self, None)

    @staticmethod
    def for_text(name: str) -> SearchAttributeKey[str]:
        """Return a key for text to be searched by its words."""
        return SearchAttributeKey(name, _Kind.TEXT, str)

    @staticmethod
    def for_keyword(name: str) -> SearchAttributeKey[str]:
        """Return a key for a string to be compared as a whole."""
        return SearchAttributeKey(name, _Kind.KEYWORD, str)

    @staticmethod
    def for_int(name: str) -> SearchAttributeKey[int]:
        """Return a key for an integer."""
        return SearchAttributeKey(name, _Kind.INT, int)

    @staticmethod
    def for_float(name: str) -> SearchAttributeKey[float]:
        """Return a key for a number."""
        return SearchAttributeKey(name, _Kind.DOUBLE, float)

    @staticmethod
    def for_bool(name: str) -> SearchAttributeKey[bool]:
        """Return a key for yes or no."""
        return SearchAttributeKey(name, _Kind.BOOL, bool)

    @staticmethod
    def for_datetime(name: str) -> SearchAttributeKey[datetime]:
        """Return a key for a time with its time zone."""
        return SearchAttributeKey(name, _Kind.DATETIME, datetime)

    @staticmethod
    def for_keyword_list(name: str) -> SearchAttributeKey[Sequence[str]]:
        """Return a key for several strings, each to be compared as a whole."""
        strings: Any = Sequence[str]  # a generic alias is no type to a checker
        return SearchAttributeKey(name, _Kind.KEYWORD_LIST, strings)


_FOR: Final[dict[str, Callable[[str], SearchAttributeKey[Any]]]] = {
    "Text": SearchAttributeKey.for_text,
    "Keyword": SearchAttributeKey.for_keyword,
    "Int": SearchAttributeKey.for_int,
    "Double": SearchAttributeKey.for_float,
    "Bool": SearchAttributeKey.for_bool,
    "Datetime": SearchAttributeKey.for_datetime,
    "KeywordList": SearchAttributeKey.for_keyword_list,
}


def _check(key: SearchAttributeKey[Any], value: object) -> None:
    """Refuse a value that is not of the key's type."""
    wanted: tuple[type, ...] = (int, float) if key.origin_value_type is float else (key.origin_value_type,)
    good = isinstance(value, wanted) and not (isinstance(value, bool) and bool not in wanted)
    if good and key.indexed_value_type is _Kind.KEYWORD_LIST:
        items: Any = value
        good = not isinstance(value, (str, bytes)) and all(isinstance(item, str) for item in items)
    if not good:
        stored = _STORED[key.indexed_value_type]
        raise ArgumentTypeError(
            what=f"search attribute {key.name!r}", got=repr(value), expected=f"a value for {stored}"
        )
    if isinstance(value, datetime) and value.tzinfo is None:
        raise InvalidArgumentError(
            what=f"search attribute {key.name!r}",
            got=repr(value),
            expected="a time with its time zone",
            fix="Write datetime(..., tzinfo=UTC)",
        )


@public("understudy.common")
class SearchAttributePair(NamedTuple, Generic[SearchAttributeValueType]):
    """A key and its value."""

    key: SearchAttributeKey[SearchAttributeValueType]
    value: SearchAttributeValueType


@public("understudy.common")
@dataclass(frozen=True)
class SearchAttributeUpdate(Generic[SearchAttributeValueType]):
    """A change of one attribute; made by a key's `value_set` and `value_unset`."""

    key: SearchAttributeKey[SearchAttributeValueType]
    value: SearchAttributeValueType | None
    """None: take it away."""


@public("understudy.common")
@dataclass(frozen=True)
class TypedSearchAttributes(Collection["SearchAttributePair[Any]"]):
    """The attributes of a workflow, sorted by name, each name once.

    Raises:
        ArgumentTypeError: a value is not of its key's type.
        InvalidArgumentError: two pairs have the same name, or a time has no time zone.
    """

    search_attributes: Sequence[SearchAttributePair[Any]]

    empty: ClassVar[TypedSearchAttributes]
    """None at all."""

    def __post_init__(self) -> None:
        """Sort and check the pairs."""
        pairs = sorted(self.search_attributes, key=lambda pair: pair.key.name)
        for before, pair in pairwise(pairs):
            if before.key.name == pair.key.name:
                raise InvalidArgumentError(
                    what=f"search attribute {pair.key.name!r}", got="given twice", expected="one pair for each name"
                )
        for pair in pairs:
            _check(pair.key, pair.value)
        object.__setattr__(self, "search_attributes", pairs)

    def __len__(self) -> int:
        return len(self.search_attributes)

    def __iter__(self) -> Iterator[SearchAttributePair[Any]]:
        return iter(self.search_attributes)

    def __contains__(self, key: object) -> bool:
        return any(key == pair.key for pair in self.search_attributes)

    def __getitem__(self, key: SearchAttributeKey[SearchAttributeValueType]) -> SearchAttributeValueType:
        for pair in self.search_attributes:
            if pair.key == key:
                value: SearchAttributeValueType = pair.value
                return value
        raise KeyError(key.name)

    @overload
    def get(self, key: SearchAttributeKey[SearchAttributeValueType]) -> SearchAttributeValueType | None: ...
    @overload
    def get(self, key: SearchAttributeKey[SearchAttributeValueType], default: D) -> SearchAttributeValueType | D: ...
    def get(self, key: SearchAttributeKey[Any], default: Any = None) -> Any:
        """Return the value of a key, or `default`."""
        return next((pair.value for pair in self.search_attributes if pair.key == key), default)

    def updated(self, *search_attributes: SearchAttributePair[Any]) -> TypedSearchAttributes:
        """Return these attributes with others added; one of the same name is replaced."""
        by_name = {pair.key.name: pair for pair in (*self.search_attributes, *search_attributes)}
        return TypedSearchAttributes(list(by_name.values()))


TypedSearchAttributes.empty = TypedSearchAttributes([])


def with_updates(
    attributes: TypedSearchAttributes, updates: Iterable[SearchAttributeUpdate[Any]]
) -> TypedSearchAttributes:
    """Return `attributes` after some updates, in their order."""
    by_name = {pair.key.name: pair for pair in attributes}
    for update in updates:
        by_name.pop(update.key.name, None)
        if update.value is not None:
            by_name[update.key.name] = SearchAttributePair(update.key, update.value)
    return TypedSearchAttributes(list(by_name.values()))


def untyped(attributes: TypedSearchAttributes) -> dict[str, Any]:
    """Return search attributes as lists of values, by name."""
    return {
        pair.key.name: list(pair.value) if pair.key.indexed_value_type is _Kind.KEYWORD_LIST else [pair.value]
        for pair in attributes
    }


def typed_search_attributes(attributes: TypedSearchAttributes | SearchAttributes | None) -> TypedSearchAttributes:
    """Return the typed form of what a user gave; the type of an untyped list is that of its values.

    Raises:
        ArgumentTypeError: it is neither form.
    """
    if attributes is None or isinstance(attributes, TypedSearchAttributes):
        return attributes or TypedSearchAttributes.empty
    pairs: list[SearchAttributePair[Any]] = []
    for name, values in attributes.items():
        if not _is_list(values):
            raise ArgumentTypeError(what=f"search attribute {name!r}", got=repr(values), expected="a list of values")
        if values:
            key = _guessed(name, values)
            value: Any = values if key.indexed_value_type is _Kind.KEYWORD_LIST else values[0]
            pairs.append(SearchAttributePair(key, value))
    return TypedSearchAttributes(pairs)


def _is_list(values: object) -> bool:
    return isinstance(values, list)  # a lone string would be a sequence, too


def _guessed(name: str, values: Sequence[object]) -> SearchAttributeKey[Any]:
    first = values[0]
    if isinstance(first, str):
        return SearchAttributeKey.for_keyword(name) if len(values) == 1 else SearchAttributeKey.for_keyword_list(name)
    for key in (
        SearchAttributeKey.for_bool(name),  # in front of int, which a bool is, too
        SearchAttributeKey.for_int(name),
        SearchAttributeKey.for_float(name),
        SearchAttributeKey.for_datetime(name),
    ):
        if isinstance(first, key.value_type) and len(values) == 1:
            return key
    raise ArgumentTypeError(
        what=f"search attribute {name!r}", got=repr(values), expected="one value, or several strings,"
    )


def to_stored(attributes: TypedSearchAttributes | SearchAttributes | None) -> dict[str, object]:
    """Return the JSON object that is stored; see `typed_search_attributes`."""
    return {
        pair.key.name: {"type": _STORED[pair.key.indexed_value_type], "value": _plain_value(pair.value)}
        for pair in typed_search_attributes(attributes)
    }


def changes_of(updates: SearchAttributes | Sequence[SearchAttributeUpdate[Any]]) -> dict[str, object]:
    """Return updates as the JSON object that is stored: None where an attribute goes.

    Raises:
        ArgumentTypeError: it is neither a mapping of lists nor a sequence of updates.
    """
    if isinstance(updates, Mapping):
        return {**dict.fromkeys(updates), **to_stored(updates)}
    changes: dict[str, object] = {}
    for update in updates:
        if not isinstance(update, SearchAttributeUpdate):
            raise ArgumentTypeError(what="a search attribute update", got=repr(update), expected="a KEY.value_set(...)")
        name, value = update.key.name, update.value
        pair = None if value is None else SearchAttributePair(update.key, value)
        changes[name] = None if pair is None else to_stored(TypedSearchAttributes([pair]))[name]
    return changes


def _plain_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if isinstance(value, (str, int, float)) else list(value)


def from_stored(plain: Mapping[str, object]) -> TypedSearchAttributes:
    """Return the attributes that `to_stored` was given.

    Raises:
        KeyError: it was not made by `to_stored`.
    """
    pairs: list[SearchAttributePair[Any]] = []
    for name, stored in plain.items():
        fields: Any = stored
        key = _FOR[fields["type"]](name)
        value = datetime.fromisoformat(fields["value"]) if key.value_type is datetime else fields["value"]
        pairs.append(SearchAttributePair(key, value))
    return TypedSearchAttributes(pairs)
