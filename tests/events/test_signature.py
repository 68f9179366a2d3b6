"""A signature says what a callable takes, whatever kind of callable it is, and refuses a number that does not fit."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import pytest

from understudy.events.converters.json_converter import JsonConverter
from understudy.events.converters.signature import Signature, hints_of
from understudy.events.errors import ArgumentTypeError, PayloadDecodeError, PayloadEncodeError

if TYPE_CHECKING:
    from nowhere import Hidden  # type: ignore[import-not-found]  # pyright: ignore[reportMissingImports]  # on purpose

P = ParamSpec("P")
R = TypeVar("R")
converter = JsonConverter()


async def charge(order: Order, times: int = 1, *, note: str = "") -> Receipt:
    return Receipt(order.id * times, note)


@dataclass
class Order:
    id: int


@dataclass
class Receipt:
    total: int
    note: str


class Shop:
    def __init__(self, name: str) -> None:
        self.name = name

    def sell(self, order: Order) -> int:
        return order.id

    @staticmethod
    def open(hour: int) -> None: ...

    @classmethod
    def found(cls, name: str) -> Shop:
        return cls(name)

    def __call__(self, order: Order, *more: int) -> bool:
        return bool(order)


def traced(fn: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(fn)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return fn(*args, **kwargs)

    return inner


def bare(fn: Callable[P, R]) -> Callable[P, R]:
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        return fn(*args, **kwargs)

    return inner


def half_known(known: int, hidden: Hidden, listed: list[Hidden], plain) -> Hidden:  # type: ignore[no-untyped-def]  # noqa: ANN001  # pyright: ignore[reportMissingParameterType, reportUnknownParameterType]  # on purpose
    return hidden  # pyright: ignore[reportUnknownVariableType]  # on purpose


def nothing() -> None: ...


CALLABLES: list[tuple[Any, tuple[str, ...], tuple[Any, ...], int, Any]] = [
    (charge, ("order", "times"), (Order, int), 1, Receipt),
    (traced(charge), ("order", "times"), (Order, int), 1, Receipt),
    (Shop.sell, ("order",), (Order,), 1, int),
    (Shop("a").sell, ("order",), (Order,), 1, int),
    (Shop.open, ("hour",), (int,), 1, type(None)),
    (Shop.found, ("name",), (str,), 1, Shop),
    (Shop, ("name",), (str,), 1, type(None)),
    (Shop("a"), ("order",), (Order,), 1, bool),
    (functools.partial(charge, times=3), ("order",), (Order,), 1, Receipt),
    (functools.partial(charge, Order(1)), ("times",), (int,), 0, Receipt),
    (functools.partial(Shop("a").sell), ("order",), (Order,), 1, int),
    (half_known, ("known", "hidden", "listed", "plain"), (int, Any, Any, Any), 4, Any),
    (nothing, (), (), 0, type(None)),
    (eval("lambda x, y=1: x + y"), ("x", "y"), (Any, Any), 1, Any),  # noqa: S307 - as untyped as code can be
]


@pytest.mark.parametrize(("fn", "names", "hints", "required", "returns"), CALLABLES)
def test_a_callable_is_read(
    fn: Any, names: tuple[str, ...], hints: tuple[Any, ...], required: int, returns: Any
) -> None:
    signature = hints_of(fn)
    assert signature.names == names
    assert signature.hints == hints
    assert signature.required == required
    assert signature.defaults == len(names) - required
    assert signature.returns == returns


def test_what_is_bound_later_is_skipped_if_asked_for() -> None:
    def method(this: object, order: Order) -> None: ...

    assert hints_of(method).names == ("this", "order")
    assert hints_of(method, skip_first=True).names == ("order",)
    assert hints_of(Shop.sell, skip_first=False).names == ("self", "order")


def test_further_arguments_have_the_hint_of_varargs() -> None:
    signature = hints_of(Shop("a"))
    assert signature.is_varargs
    assert (signature.hint_at(0), signature.hint_at(1), signature.hint_at(7)) == (Order, int, int)
    assert (signature.name_at(0), signature.name_at(1)) == ("order", "")


def test_a_wrapper_that_hides_its_signature_takes_anything() -> None:
    signature = hints_of(bare(charge))
    assert signature.is_varargs
    assert signature.hint_at(3) is Any
    signature.check(5, where="activity 'charge'")


def test_a_builtin_without_a_signature_takes_anything() -> None:
    assert hints_of(print).is_varargs
    assert hints_of(max).is_varargs


def test_annotated_keeps_its_notes() -> None:
    def fn(number: Annotated[int, "note"]) -> None: ...

    assert hints_of(fn).hints == (Annotated[int, "note"],)


def test_a_function_is_read_once() -> None:
    assert hints_of(charge) is hints_of(charge)
    assert hints_of(Shop("a").sell) is hints_of(Shop("b").sell)


class Unhashable:
    __hash__ = None  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]  # on purpose

    def __call__(self, number: int) -> str:
        return str(number)


def test_a_callable_that_cannot_be_remembered_is_read_each_time() -> None:
    fn = Unhashable()
    assert hints_of(fn).hints == (int,)
    assert hints_of(fn) is not hints_of(fn)


def test_what_is_not_callable_is_refused() -> None:
    with pytest.raises(TypeError):
        hints_of(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # on purpose


def test_a_function_with_a_wrong_annotation_does_not_break_the_worker() -> None:
    def fn(x: int) -> None: ...

    fn.__annotations__ = {"x": "1 +", "return": "1 / 0"}
    assert hints_of(fn).hints == (Any,)
    assert hints_of(fn).returns is Any


@pytest.mark.parametrize(
    ("fn", "args", "expected"),
    [
        (charge, (), "1 to 2 (order, times)"),
        (charge, (1, 2, 3), "1 to 2 (order, times)"),
        (Shop("a").sell, (), "1 (order)"),
        (Shop("a"), (), "at least 1 (order)"),
        (nothing, (1,), "0"),
    ],
)
def test_a_number_of_arguments_that_does_not_fit_is_refused(fn: Any, args: tuple[int, ...], expected: str) -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        hints_of(fn).check(len(args), where="workflow 'Order'")
    assert str(caught.value).startswith(
        f"the number of arguments of workflow 'Order' is {len(args)}, where {expected} is expected. Pass"
    )


@pytest.mark.parametrize("args", [(1,), (1, 2)])
def test_a_number_of_arguments_that_fits_is_not_refused(args: tuple[int, ...]) -> None:
    hints_of(charge).check(len(args), where="x")


def test_a_parameter_that_can_only_be_given_by_keyword_is_refused() -> None:
    def fn(order: Order, *, note: str) -> None: ...

    with pytest.raises(ArgumentTypeError, match="keyword-only parameters"):
        hints_of(fn).check(1, where="workflow 'Order'")


def test_a_signature_shows_what_it_takes() -> None:
    assert repr(hints_of(charge)) == "Signature(order, times; 1 required)"
    assert repr(hints_of(Shop("a"))) == "Signature(order, *; 1 required)"


def test_arguments_come_back_by_the_hints_of_the_function() -> None:
    signature = hints_of(charge)
    payloads = converter.encode_args((Order(1), 2), signature, where="activity 'charge'", fit=True)
    assert converter.decode_args(payloads, signature, where="activity 'charge'") == [Order(1), 2]
    assert converter.decode_args(payloads) == [{"id": 1}, 2]
    assert converter.decode_args(converter.encode_args((Order(1),))) == [{"id": 1}]


def test_an_argument_that_does_not_fit_is_named_with_its_function() -> None:
    with pytest.raises(PayloadEncodeError) as caught:
        converter.encode_args((Order(1), "two"), hints_of(charge), where="activity 'charge'", fit=True)
    assert caught.value.where == "argument 2 ('times') of activity 'charge'"
    assert (caught.value.value_type, caught.value.hint) == ("str", "int")


def test_a_stored_argument_that_does_not_fit_is_named_with_its_function() -> None:
    payloads = converter.encode_args(("one", 2))
    with pytest.raises(PayloadDecodeError) as caught:
        converter.decode_args(payloads, hints_of(charge), where="activity 'charge'")
    assert caught.value.where == "argument 1 ('order') of activity 'charge'"
    assert (caught.value.got_type, caught.value.hint) == ("string", f"{__name__}.Order")


def test_an_argument_without_a_name_is_numbered() -> None:
    with pytest.raises(PayloadEncodeError, match="argument 3 of it"):
        converter.encode_args((1, 2, object()), Signature(("a",), required=1, varargs="rest"), where="it")
    with pytest.raises(PayloadEncodeError, match="argument 1 of it"):
        converter.encode_args((object(),), where="it")
    with pytest.raises(PayloadDecodeError, match=r"argument 1 \('name'\) of it"):
        converter.decode_args([converter.encode(1)], hints_of(Shop.found), where="it")


def test_hints_are_resolved_once() -> None:
    asked: list[int] = []

    def resolve() -> dict[str, type]:
        asked.append(1)
        return {"a": int, "return": str}

    signature = Signature(["a"], required=1, resolve=resolve)
    assert (signature.hints, signature.hints, signature.returns) == ((int,), (int,), str)
    assert asked == [1]
