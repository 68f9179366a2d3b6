"""Raises an exception in another thread, by the function that Python has for it.

`PyThreadState_SetAsyncExc` leaves an exception class with a thread. The thread raises it at one of its next bytecodes,
at the entry of a function at the latest, wherever it is then. A thread that hangs in C gets it when C returns.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

__all__ = ["deliver_pending", "raiser"]


def deliver_pending() -> None:
    """Do nothing: entering a function raises an exception that is pending in the calling thread, at the latest."""


@cache
def raiser() -> Callable[[int, type[BaseException]], int]:
    """Return Python's function that raises a class, called without arguments, in the thread with an ident.

    It could call an exception back, too, with a null pointer, but must not: CPython 3.11 then keeps asking for it at
    every call, and for ever at the first one while a debugger or coverage traces.
    """
    import ctypes  # 10 ms, which only a program that interrupts pays

    prototype = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_ulong, ctypes.py_object)
    return prototype(("PyThreadState_SetAsyncExc", ctypes.pythonapi))
