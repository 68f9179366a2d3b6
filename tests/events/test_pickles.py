"""A pickle that a user stores outlives the place of a class in our folders, so it names doors alone."""

from __future__ import annotations

import pickle
import pickletools
from collections.abc import Callable

import cloudpickle
import pytest

from tests.events.test_errors import KINDS, example
from tests.events.test_failure import EXAMPLES, converter, failures
from understudy.events.errors import FieldError
from understudy.events.failures.exceptions import FailureError

DOORS = {f"understudy.{door}" for door in ("common", "converter", "exceptions", "service")}

by_each_pickler = pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps], ids=["pickle", "cloudpickle"])


def modules_of_ours(pickled: bytes) -> set[str]:
    """The modules of ours whose classes and functions a pickle looks up by name."""
    texts: list[str] = []
    memo: dict[int, str] = {}
    found: set[str] = set()
    for opcode, argument, _ in pickletools.genops(pickled):
        match opcode.name, argument:
            case "SHORT_BINUNICODE" | "BINUNICODE", str(text):
                texts.append(text)
            case "MEMOIZE", _:
                memo[len(memo)] = texts[-1] if texts else ""
            case "BINGET" | "LONG_BINGET", int(index):
                texts.append(memo[index])
            case "STACK_GLOBAL", _:
                found.add(texts[-2])
            case _:
                continue
    return {module for module in found if module.split(".")[0] == "understudy"}


@by_each_pickler
@pytest.mark.parametrize("cls", KINDS)
def test_a_pickle_of_an_error_names_only_doors(cls: type[FieldError], dumps: Callable[[object], bytes]) -> None:
    assert modules_of_ours(dumps(example(cls))) <= DOORS


@by_each_pickler
@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
def test_a_pickle_of_a_failure_names_only_doors(error: FailureError, dumps: Callable[[object], bytes]) -> None:
    read = failures.to_exception(failures.to_failure(error, converter), converter)
    assert "understudy.exceptions" in modules_of_ours(dumps(read)) <= DOORS
