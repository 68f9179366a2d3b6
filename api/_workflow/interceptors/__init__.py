"""The interceptors of workflow code: the classes for those who write them, and the ends of their chains.

In reading order: `inputs` and `activity_inputs` (what goes through the outbound chain), `interceptor` (its base class),
`root` (its end, which does what an input says), `interceptor_class` (what a worker is asked for the inbound chain). The
worker's door and the calls of workflow code import it; it imports those calls late, and the behaviours.
"""
