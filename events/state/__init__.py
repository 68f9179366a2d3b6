"""The aggregate of one run: the state that its events are folded into.

In reading order: `execution`, the state and its questions; `pending`, the parts that are still open; `evolve`, the only
way in: one function an event. Behaviours, the shell and the doors may import it; it imports facts and what is below
them, and neither store nor converters.
"""
