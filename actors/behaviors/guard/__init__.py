"""The guard's knowledge: what workflow code may not call, and how to find it in the source.

Read `rules`, the table of forbidden calls; `lint`, which looks for them in a workflow's source; `names`, what a name in
a source means; and `exempt`, code that is recorded and may look outside. `loop`, the shell's guards and the worker's
checks import it.
"""
