"""Interception: the interceptors that stand around the code of a definition's runs.

This is data of a definition. `code.interceptors` has their classes, and makes a chain of them for each run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Interception"]


@dataclass(frozen=True, slots=True, eq=False)
class Interception:
    """The interceptors that a worker puts around its workflows."""

    classes: tuple[Callable[[Any], Any], ...]
    """The classes of the inbound interceptors, the outermost first; each is made around the next one."""
    outbound: Callable[[Any], Any]
    """Makes the root of the outbound chain of a run, of the run's context."""
    extern_functions: Mapping[str, Callable[..., Any]]
    """The functions that `workflow.extern_functions` returns."""
