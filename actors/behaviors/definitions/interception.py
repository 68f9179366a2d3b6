"""Interception: which interceptors stand around the code of a definition's runs.

Data of a definition. What they are, and the chain that is made of them for one run, is in `code.interceptors`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Interception"]


@dataclass(frozen=True, slots=True, eq=False)
class Interception:
    """What a worker puts around its workflows."""

    classes: tuple[Callable[[Any], Any], ...]
    """Of the inbound interceptors, the outermost first; each is made around the next one."""
    outbound: Callable[[Any], Any]
    """Makes the root of the outbound chain of a run, of the run's context."""
    extern_functions: Mapping[str, Callable[..., Any]]
    """What `workflow.extern_functions` returns."""
