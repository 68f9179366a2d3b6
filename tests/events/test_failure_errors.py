"""A failure error refuses, where it is written, what could not be stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from understudy.events.errors import ArgumentTypeError, InvalidArgumentError
from understudy.events.failures.exceptions import ApplicationError
from understudy.events.failures.failure import ApplicationErrorCategory


@pytest.mark.parametrize(("delay", "error"), [(5, ArgumentTypeError), (timedelta(-1), InvalidArgumentError)])
def test_a_delay_that_cannot_be_is_refused_where_it_is_written(delay: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="next_retry_delay"):
        ApplicationError("x", next_retry_delay=delay)


def test_a_category_that_is_none_is_refused_where_it_is_written() -> None:
    category: Any = 7
    with pytest.raises(ValueError, match="7 is not a valid ApplicationErrorCategory"):
        ApplicationError("x", category=category)
    assert ApplicationError("x", category=ApplicationErrorCategory.BENIGN).category is ApplicationErrorCategory.BENIGN
