"""What a workflow declares itself to be: names, handlers, inheritance, and each way in which a definition is wrong."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from understudy import workflow
from understudy.actors.behaviors.definitions.definition import (
    HandlerDefinition,
    HandlerUnfinishedPolicy,
    WorkflowDefinition,
    is_async,
    workflow_of,
)
from understudy.common import RawValue
from understudy.events.errors import DefinitionError


@workflow.defn
class Order:
    """A workflow with everything."""

    @workflow.run
    async def run(self, sku: str, count: int = 1) -> float:
        return float(count)

    @workflow.signal
    def add(self, count: int) -> None:
        """Change the order."""

    @workflow.signal(
        name="drop", unfinished_policy=HandlerUnfinishedPolicy.ABANDON, description="take one out of the order"
    )
    async def drop_one(self) -> None:
        """Change the order."""

    @workflow.query(description="how many there are")
    def count(self) -> int:
        return 1


@workflow.defn
async def greet(name: str) -> str:
    """A workflow that is a function."""
    return f"hello {name}"


def define(target: Any, **options: Any) -> WorkflowDefinition:
    """What `@workflow.defn` reads of a class or a function."""
    return workflow_of(workflow.defn(**options)(target))


def refused(make: Callable[[], object]) -> dict[str, Any]:
    """Why a definition is refused, and what its error tells to do."""
    with pytest.raises(DefinitionError) as caught:
        make()
    return caught.value.fields()


# -- what is read ----------------------------------------------------------------------------------------------------


def test_a_class_is_a_workflow_of_its_own_name_with_the_signature_of_its_run_method() -> None:
    definition = workflow_of(Order)
    assert (definition.name, definition.label, definition.target) == ("Order", "Order", Order)
    assert definition.run is Order.run
    assert (definition.signature.names, definition.signature.required) == (("sku", "count"), 1)
    assert definition.signature.returns is float
    assert (definition.sandboxed, definition.deadlock_timeout, definition.failure_exception_types) == (True, None, ())


def test_a_function_is_a_workflow_of_its_own_name_and_has_no_handlers() -> None:
    definition = workflow_of(greet)
    assert (definition.name, definition.run, definition.signature.names) == ("greet", greet, ("name",))
    assert (definition.signals, definition.queries) == ({}, {})
    assert definition.instantiate(["kim"]) == (None, greet)


def test_a_definition_knows_where_it_stands() -> None:
    assert re.fullmatch(r"Order \(test_definition\.py:\d+\)", workflow_of(Order).place)
    assert re.fullmatch(r"greet \(test_definition\.py:\d+\)", workflow_of(greet).place)


def test_the_run_method_leads_back_to_its_class() -> None:
    assert workflow_of(Order.run) is workflow_of(Order)
    assert workflow_of(Order().run) is workflow_of(Order)


def test_the_options_of_the_decorator_are_in_the_definition() -> None:
    definition = define(
        type("Named", (Order,), {}),
        name="order-v2",
        sandboxed=False,
        failure_exception_types=[ValueError, KeyError],
        deadlock_timeout=timedelta(milliseconds=1_500),
    )
    assert (definition.name, definition.sandboxed, definition.deadlock_timeout) == ("order-v2", False, 1.5)
    assert definition.failure_exception_types == (ValueError, KeyError)


def test_a_dynamic_workflow_has_no_name() -> None:
    async def anything(args: Sequence[RawValue]) -> None: ...

    definition = define(anything, dynamic=True)
    assert (definition.name, definition.label) == (None, "(dynamic)")


def test_a_partial_of_a_function_is_a_workflow_of_what_is_left_to_give() -> None:
    async def ship(carrier: str, order: str) -> str:
        return order + carrier

    definition = define(functools.partial(ship, "bike"))
    assert (definition.name, definition.signature.names) == ("ship", ("order",))


def test_handlers_are_found_by_their_names_signals_apart_from_queries() -> None:
    definition = workflow_of(Order)
    assert set(definition.signals) == {"add", "drop"}
    assert set(definition.queries) == {"count"}
    drop, count = definition.signals["drop"], definition.queries["count"]
    assert (drop.is_async, drop.description) == (True, "take one out of the order")
    assert drop.unfinished_policy is HandlerUnfinishedPolicy.ABANDON
    assert definition.signals["add"].unfinished_policy is HandlerUnfinishedPolicy.WARN_AND_ABANDON
    assert (count.is_async, count.description, count.signature.returns) == (False, "how many there are", int)


def test_a_new_instance_is_made_for_each_run_and_the_run_method_is_bound_to_it() -> None:
    first, run = workflow_of(Order).instantiate(["a-1"])
    second, _ = workflow_of(Order).instantiate(["a-1"])
    assert isinstance(first, Order)
    assert first is not second
    assert run.__self__ is first  # type: ignore[attr-defined]  # a bound method is a callable with a self


def test_an_init_that_is_marked_is_given_what_the_run_gets() -> None:
    class Kept:
        @workflow.init
        def __init__(self, sku: str, count: int = 1) -> None:
            self.kept = (sku, count)

        @workflow.run
        async def run(self, sku: str, count: int = 1) -> None: ...

    instance, _ = define(Kept).instantiate(["a-1", 3])
    assert instance.kept == ("a-1", 3)


def test_an_init_and_a_run_may_call_the_same_argument_by_two_names() -> None:
    class Kept:
        @workflow.init
        def __init__(self, sku: str) -> None:
            self.kept = sku

        @workflow.run
        async def run(self, _: str) -> None: ...

    instance, _ = define(Kept).instantiate(["a-1"])
    assert instance.kept == "a-1"


def test_an_init_that_needs_nothing_is_given_nothing() -> None:
    class Plain:
        def __init__(self, count: int = 7) -> None:
            self.kept = count

        @workflow.run
        async def run(self, sku: str) -> None: ...

    instance, _ = define(Plain).instantiate(["a-1"])
    assert instance.kept == 7


# -- inheritance -----------------------------------------------------------------------------------------------------


class Base:
    """A run method and handlers for others to inherit."""

    @workflow.run
    async def run(self, sku: str) -> str:
        return sku

    @workflow.signal(name="stop")
    def halt(self, why: str) -> str:
        return f"base: {why}"

    @workflow.query
    def state(self) -> str:
        return "base"


def handler(definition: WorkflowDefinition, name: str) -> HandlerDefinition:
    """A signal or query handler."""
    return {**definition.signals, **definition.queries}[name]


def test_the_run_method_and_the_handlers_are_inherited() -> None:
    class Sub(Base): ...

    definition = define(Sub)
    assert (definition.name, definition.run) == ("Sub", Base.run)
    assert (set(definition.signals), set(definition.queries)) == ({"stop"}, {"state"})
    instance, run = definition.instantiate(["a-1"])
    assert isinstance(instance, Sub)
    assert run.__self__ is instance  # type: ignore[attr-defined]  # the same


def test_a_subclass_is_a_workflow_only_if_it_says_so_itself() -> None:
    class Sub(Order): ...

    fields = refused(lambda: workflow_of(Sub))
    assert fields["problem"] == "it is not a workflow"
    assert fields["subject"].endswith("Sub")


def test_an_inherited_run_method_does_not_lead_to_one_of_the_classes_that_inherit_it() -> None:
    class Sub(Base): ...

    define(Sub)
    assert refused(lambda: workflow_of(Sub.run))["subject"] == "Base.run"


def test_an_override_without_a_mark_keeps_the_mark_with_its_own_function_and_signature() -> None:
    class Sub(Base):
        def halt(self, why: str, when: int = 0) -> str:
            return f"sub: {why} {when}"

    found = handler(define(Sub), "stop")
    assert (found.name, found.signature.names) == ("stop", ("why", "when"))
    assert found.fn(Sub(), "late") == "sub: late 0"


def test_an_override_with_a_mark_of_its_own_takes_the_place_of_the_inherited_one() -> None:
    class Sub(Base):
        @workflow.signal(name="halt")
        def halt(self, why: str) -> str:
            return "sub"

    definition = define(Sub)
    assert set(definition.signals) == {"halt"}
    assert handler(definition, "halt").fn(Sub(), "late") == "sub"


def test_a_value_in_the_place_of_a_handler_is_no_handler() -> None:
    class Sub(Base):
        halt: Any = None

    assert handler(define(Sub), "stop").fn is Base.halt


def test_of_several_bases_the_handlers_of_all_are_taken_and_the_nearest_wins() -> None:
    class Mixin:
        @workflow.query
        def state(self) -> str:
            return "mixin"

        @workflow.query
        def more(self) -> str:
            return "more"

    class Sub(Mixin, Base): ...

    definition = define(Sub)
    assert set(definition.queries) == {"state", "more"}
    assert handler(definition, "state").fn(Sub()) == "mixin"


def test_a_run_method_with_a_mark_overrides_an_inherited_one() -> None:
    class Sub(Base):
        @workflow.run
        async def run(self, sku: str) -> str:
            return f"sub: {sku}"

    assert define(Sub).run is Sub.run


# -- what is async ---------------------------------------------------------------------------------------------------


class Calls:
    """Callable instances and methods of both colours."""

    async def __call__(self) -> None: ...

    async def later(self) -> None: ...

    def now(self) -> None: ...


@pytest.mark.parametrize("fn", [greet, Calls(), Calls().later, Calls.later, functools.partial(greet, "kim")])
def test_a_coroutine_function_is_told_in_every_guise(fn: object) -> None:
    assert is_async(fn)


@pytest.mark.parametrize("fn", [len, Calls, Calls().now, functools.partial(len, ()), "text", lambda: None])
def test_what_is_no_coroutine_function_is_told_too(fn: object) -> None:
    assert not is_async(fn)


# -- updates, and an instance that is made of the arguments ------------------------------------------------------------


class Books:
    """Updates in all forms."""

    @workflow.init
    def __init__(self, room: int) -> None:
        self.room = room

    @workflow.run
    async def run(self, room: int) -> int:
        return self.room

    @workflow.update
    def book(self, seats: int) -> int:
        return self.room - seats

    @book.validator
    def look(self, seats: int) -> None:
        if seats > self.room:
            raise ValueError(seats)

    @workflow.update(
        name="drop-one", unfinished_policy=HandlerUnfinishedPolicy.ABANDON, description="give one seat back"
    )
    async def drop(self) -> None: ...

    @workflow.update(dynamic=True)
    async def other(self, name: str, args: Sequence[RawValue]) -> None: ...


def test_updates_are_known_by_their_names_with_their_validators_and_policies() -> None:
    definition = define(Books)
    assert set(definition.updates) == {"book", "drop-one", None}
    book, drop = definition.updates["book"], definition.updates["drop-one"]
    assert (book.validator, book.signature.names, book.is_async) == (Books.look, ("seats",), False)
    assert (drop.validator, drop.is_async, drop.description) == (None, True, "give one seat back")
    assert drop.unfinished_policy is HandlerUnfinishedPolicy.ABANDON
    assert not book.is_bound


def test_a_validator_is_called_with_the_instance_and_what_the_update_brings() -> None:
    definition = define(Books)
    books, _ = definition.instantiate([3])
    book = definition.updates["book"]
    book.call_validator(books, [3])
    with pytest.raises(ValueError, match="4"):
        book.call_validator(books, [4])
    definition.updates["drop-one"].call_validator(books, [])
    assert book.call(books, [1]) == 2


def test_an_init_that_is_marked_is_given_the_arguments_of_the_run() -> None:
    definition = define(Books)
    books, run = definition.instantiate([3])
    assert books.room == 3
    assert run == books.run


def test_an_inherited_update_keeps_its_validator_when_it_is_overridden() -> None:
    class Larger(Books):
        def book(self, seats: int) -> int:
            return 2 * self.room - seats

    book = define(Larger).updates["book"]
    assert (book.fn, book.validator) == (Larger.book, Books.look)
