"""What an activity declares itself to be: functions, methods, callable classes, partials."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any

import pytest

from understudy import activity
from understudy.actors.behaviors.definitions.definition import activity_of
from understudy.common import RawValue
from understudy.events.errors import DefinitionError


@activity.defn
async def charge(card: str, amount: int) -> str:
    return f"{card}: {amount}"


@activity.defn(name="send", no_thread_cancel_exception=True)
def send_mail(text: str) -> None:
    """Send a mail."""


class Payments:
    """Activities that share something, and are one themselves."""

    def __init__(self, bank: str) -> None:
        self.bank = bank

    @activity.defn
    async def pay(self, amount: int) -> str:
        return f"{self.bank}: {amount}"

    @staticmethod
    @activity.defn
    def round_up(amount: float) -> int:
        return round(amount)

    @activity.defn(name="pay-cash")
    async def __call__(self, amount: int) -> str:
        return f"{self.bank} in cash: {amount}"


def test_a_function_is_an_activity_of_its_own_name() -> None:
    definition = activity_of(charge)
    assert (definition.name, definition.label, definition.fn, definition.is_async) == ("charge", "charge", charge, True)
    assert definition.signature.names == ("card", "amount")
    assert not definition.no_thread_cancel_exception


def test_a_definition_knows_where_it_stands_if_it_stands_anywhere() -> None:
    assert re.fullmatch(r"charge \(test_definition_activities\.py:\d+\)", activity_of(charge).place)
    assert re.fullmatch(r"Payments\.pay \(test_definition_activities\.py:\d+\)", activity_of(Payments("a").pay).place)
    assert re.fullmatch(r"<.*Payments.*> \(test_definition_activities\.py:\d+\)", activity_of(Payments("a")).place)
    partial = activity.defn(name="charge-red")(functools.partial(charge, "red"))
    assert activity_of(partial).place == "charge"


def test_the_options_of_the_decorator_are_in_the_definition() -> None:
    definition = activity_of(send_mail)
    assert (definition.name, definition.is_async, definition.no_thread_cancel_exception) == ("send", False, True)


def test_a_dynamic_activity_has_no_name() -> None:
    @activity.defn(dynamic=True)
    async def anything(args: Sequence[RawValue]) -> None: ...

    definition = activity_of(anything)
    assert (definition.name, definition.label) == (None, "(dynamic)")


def test_a_method_is_given_unbound_by_workflows_and_bound_by_workers() -> None:
    bound = Payments("north").pay
    assert activity_of(Payments.pay).fn is Payments.pay
    definition = activity_of(bound)
    assert definition.fn == bound
    assert (definition.name, definition.is_async, definition.signature.names) == ("pay", True, ("amount",))


def test_a_static_method_is_a_function() -> None:
    assert activity_of(Payments.round_up).signature.names == ("amount",)


def test_a_class_with_an_activity_for_its_call_is_given_by_workflows_and_its_instance_by_workers() -> None:
    instance = Payments("north")
    assert activity_of(Payments).name == "pay-cash"
    definition = activity_of(instance)
    assert definition.fn is instance
    assert (definition.name, definition.is_async, definition.signature.names) == ("pay-cash", True, ("amount",))


def test_a_subclass_inherits_the_activity_that_its_call_is() -> None:
    class Sub(Payments): ...

    assert activity_of(Sub).name == "pay-cash"
    assert activity_of(Sub("south")).name == "pay-cash"


def test_a_partial_is_an_activity_when_it_is_decorated_itself() -> None:
    partial = activity.defn(name="charge-blue")(functools.partial(charge, "blue"))
    definition = activity_of(partial)
    assert (definition.fn, definition.name, definition.is_async) == (partial, "charge-blue", True)
    assert definition.signature.names == ("amount",)


@pytest.mark.parametrize(
    ("thing", "subject"), [(len, "len"), (int, "int"), ("charge", "'charge'"), (Payments.__init__, "Payments.__init__")]
)
def test_what_was_not_decorated_is_not_an_activity(thing: Any, subject: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        activity_of(thing)
    assert caught.value.fields() == {
        "subject": subject,
        "problem": "it is not an activity",
        "fix": "decorate it with @activity.defn",
    }


def test_a_mark_of_another_make_is_no_definition() -> None:
    class Odd:
        def __getattr__(self, name: str) -> str:
            return "anything"

    with pytest.raises(DefinitionError):
        activity_of(Odd())
