"""Definitions: what users declare by decorators, as data.

Read `definition`, then `declare`, which makes them of classes and functions; `parameters`, how a function is called;
`dynamic` and `dynamic_config`, for workflows that stand for many types; `interception`, what a worker puts around
them; and `job`, the data of a stand-alone activity. Everybody above may import it; it imports nothing beside facts.
"""
