"""Each way in which the definition of a workflow is wrong, told with what to do about it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from understudy import activity, workflow
from understudy.actors.behaviors.definitions.definition import WorkflowDefinition, workflow_of
from understudy.common import RawValue
from understudy.events.errors import DefinitionError

Handler = Callable[..., None]


class Base:
    """A run method for others to inherit."""

    @workflow.run
    async def run(self, sku: str) -> str:
        return sku


def define(target: Any, **options: Any) -> WorkflowDefinition:
    """What `@workflow.defn` reads of a class or a function."""
    return workflow_of(workflow.defn(**options)(target))


def refused(make: Callable[[], object]) -> dict[str, Any]:
    """Why a definition is refused, and what its error tells to do."""
    with pytest.raises(DefinitionError) as caught:
        make()
    return caught.value.fields()


def test_what_was_not_decorated_is_not_a_workflow() -> None:
    assert refused(lambda: workflow_of(int)) == {
        "subject": "int",
        "problem": "it is not a workflow",
        "fix": "decorate the class (or the async function) with @workflow.defn",
    }
    assert refused(lambda: workflow_of("Order"))["subject"] == "'Order'"
    assert refused(lambda: workflow_of(Base.run))["subject"] == "Base.run"


def test_a_workflow_function_is_a_coroutine_function() -> None:
    def plain(name: str) -> str:
        return name

    fields = refused(lambda: define(plain))
    assert fields["problem"] == "'plain' is not a coroutine function"
    assert fields["fix"] == "write: async def plain(...)"
    assert refused(lambda: define(functools.partial(plain, "kim")))["fix"] == "write: async def plain(...)"


def test_a_run_method_is_a_coroutine_method() -> None:
    class Plain:
        @workflow.run
        def run(self) -> None: ...

    fields = refused(lambda: define(Plain))
    assert fields["subject"].endswith("Plain")
    assert fields["problem"] == "'run' is not a coroutine function"


def test_a_class_needs_a_run_method() -> None:
    class Empty:
        async def run(self) -> None: ...

    assert refused(lambda: define(Empty))["problem"] == "it has no @workflow.run method"


def test_a_class_has_one_run_method() -> None:
    class Twice:
        @workflow.run
        async def run(self) -> None: ...

        @workflow.run
        async def go(self) -> None: ...

    assert refused(lambda: define(Twice))["problem"] == "it has two @workflow.run methods, 'run' and 'go'"


def test_a_run_method_is_not_overridden_by_accident() -> None:
    class Sub(Base):
        async def run(self, sku: str) -> str:
            return sku

    fields = refused(lambda: define(Sub))
    assert fields["problem"] == "it overrides 'run', the @workflow.run method of a base class, without the decorator"
    assert fields["fix"].endswith("Sub.run with @workflow.run too")


def test_an_init_that_is_marked_takes_what_the_run_takes() -> None:
    class Kept:
        @workflow.init
        def __init__(self, sku: str) -> None: ...

        @workflow.run
        async def run(self, sku: int) -> None: ...

    fields = refused(lambda: define(Kept))
    assert fields["problem"] == (
        "its @workflow.init takes {'sku': 'str'} and needs 1 of them, "
        "its @workflow.run method takes {'sku': 'int'} and needs 1"
    )
    assert fields["fix"] == "give both the same parameters; only their names may differ"


def test_an_init_that_is_not_marked_needs_no_arguments() -> None:
    class Needy:
        def __init__(self, sku: str) -> None: ...

        @workflow.run
        async def run(self, sku: str) -> None: ...

    fields = refused(lambda: define(Needy))
    assert fields["problem"] == "its __init__ needs ('sku',), and nobody gives it any"


@pytest.mark.parametrize(
    ("mark", "kind"),
    [(workflow.signal, "signal"), (workflow.query, "query"), (workflow.update, "update")],
    ids=["signal", "query", "update"],
)
@pytest.mark.parametrize("options", [{"name": "add"}, {"dynamic": True}], ids=["named", "dynamic"])
def test_two_handlers_of_one_kind_have_two_names(
    mark: Callable[..., Callable[[Handler], Handler]], kind: str, options: dict[str, Any]
) -> None:
    class Twice:
        @workflow.run
        async def run(self) -> None: ...

        @mark(**options)
        def one(self, *args: Any) -> None: ...

        @mark(**options)
        def two(self, *args: Any) -> None: ...

    name = options.get("name")
    assert refused(lambda: define(Twice))["problem"] == f"two {kind} handlers are called {name!r}"


def test_a_validator_is_a_plain_function() -> None:
    def make() -> None:
        class Books:
            @workflow.update
            def book(self, seats: int) -> None: ...

            @book.validator  # type: ignore[arg-type]  # wrong on purpose
            async def look(self, seats: int) -> None: ...

    fields = refused(make)
    assert fields["subject"].endswith("Books.look")
    assert fields["problem"].startswith("the validator of an update cannot be a coroutine function")
    assert fields["fix"] == "write: def look(...)"


def test_a_validator_takes_what_its_update_takes() -> None:
    def make() -> None:
        class Books:
            @workflow.update
            def book(self, seats: int, name: str = "") -> None: ...

            @book.validator  # type: ignore[arg-type]  # wrong on purpose
            def look(self, seats: int) -> None: ...

    fields = refused(make)
    assert fields["problem"] == "it takes ('seats',), and the update that it looks at ('seats', 'name')"
    assert fields["fix"] == "give both the same parameters"


def test_init_is_for_the_method_that_makes_the_instance() -> None:
    def make() -> None:
        class Kept:
            @workflow.init
            def setup(self, sku: str) -> None: ...

    fields = refused(make)
    assert fields["subject"].endswith("Kept.setup")
    assert fields["problem"] == "@workflow.init is for __init__"
    assert fields["fix"].startswith("decorate __init__ with it")


def test_an_init_and_a_run_need_the_same_arguments() -> None:
    class Kept:
        @workflow.init
        def __init__(self, sku: str) -> None: ...

        @workflow.run
        async def run(self, sku: str = "a-1") -> None: ...

    assert refused(lambda: define(Kept))["problem"].endswith("takes {'sku': 'str'} and needs 0")


def test_messages_of_all_kinds_may_have_one_name() -> None:
    class Both:
        @workflow.run
        async def run(self) -> None: ...

        @workflow.signal(name="state")
        def put(self) -> None: ...

        @workflow.query(name="state")
        def get(self) -> None: ...

        @workflow.update(name="state")
        def change(self) -> None: ...

    definition = define(Both)
    assert [set(found) for found in (definition.signals, definition.queries, definition.updates)] == [{"state"}] * 3


# -- parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declare", [workflow.signal, workflow.query, workflow.update])
def test_a_dynamic_handler_takes_a_name_and_the_values(declare: Any) -> None:
    def too_few(self: Any, name: str) -> None: ...

    def too_many(self: Any, name: str, args: Sequence[RawValue], more: int) -> None: ...

    for wrong in (too_few, too_many):
        fields = refused(functools.partial(declare(dynamic=True), wrong))
        assert fields["subject"].endswith(wrong.__name__)
        assert "(name: str, args: Sequence[RawValue])" in fields["problem"]
        assert fields["fix"] == "let it take these"


@pytest.mark.parametrize("declare", [workflow.signal, workflow.query, workflow.update])
def test_a_dynamic_handler_may_have_defaults_or_take_any_number(declare: Any) -> None:
    def one(self: Any, name: str, *args: Any) -> None: ...

    def other(self: Any, name: str, args: Sequence[RawValue] = (), *, more: int = 1) -> None: ...

    for right in (one, other):
        declare(dynamic=True)(right)


def test_a_dynamic_workflow_and_activity_take_the_values() -> None:
    async def nothing() -> None: ...

    async def two(args: Sequence[RawValue], more: int) -> None: ...

    for wrong in (nothing, two):
        for declare in (workflow.defn, activity.defn):
            fields = refused(functools.partial(declare(dynamic=True), wrong))
            assert "called with (args: Sequence[RawValue])" in fields["problem"]


@pytest.mark.parametrize("declare", [workflow.defn, activity.defn, workflow.signal, workflow.update])
def test_what_can_only_be_given_by_keyword_is_refused_when_it_is_declared(declare: Any) -> None:
    async def wants(self: Any, *, colour: str, size: int = 1) -> None: ...

    fields = refused(lambda: declare(wants))
    assert fields["problem"] == "it needs colour by keyword, and all arguments come by position"
    assert fields["fix"].startswith("give what stands behind the * a default")


@pytest.mark.parametrize("declare", [workflow.defn, activity.defn, workflow.signal, workflow.query, workflow.update])
def test_what_is_dynamic_has_no_name(declare: Any) -> None:
    async def anything(name: str, args: Sequence[RawValue]) -> None: ...

    fields = refused(lambda: declare(name="x", dynamic=True)(anything))
    assert fields["problem"].endswith("and it is called 'x'")
    assert fields["fix"] == "leave out name or dynamic"
