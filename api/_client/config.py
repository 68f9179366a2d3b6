"""Arguments of a client, as data: an engine that is open, and the client's options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Required, TypedDict

import msgspec

from understudy._calls.targets import checked_kind
from understudy.actors.system import System
from understudy.events.converters.data_converter import DataConverter
from understudy.events.errors import InvalidArgumentError
from understudy.events.options.policies import HeaderCodecBehavior, QueryRejectCondition

__all__ = ["ClientConfig", "ServiceClient", "checked_client"]


class ServiceClient(msgspec.Struct, frozen=True, eq=False):
    """An engine that is open, as one client hands it to another; Temporal's is a connection to a server."""

    engine: System
    url: str
    identity: str
    """The name of its clients in the history."""
    data_converter: DataConverter
    """The converter that its clients share."""

    def __repr__(self) -> str:
        """Show the URL, and the name of its clients."""
        return f"ServiceClient(url={self.url!r}, identity={self.identity!r})"


class ClientConfig(TypedDict, total=False):
    """The arguments of a client, by name; `Client(**client.config())` makes another one like it, of the same engine."""

    service_client: Required[ServiceClient]
    namespace: str
    data_converter: DataConverter
    plugins: Sequence[Any]
    interceptors: Sequence[Any]
    default_workflow_query_reject_condition: QueryRejectCondition | None
    header_codec_behavior: HeaderCodecBehavior


def checked_client(namespace: str, plugins: object, condition: object) -> None:
    """Refuse arguments that a client cannot have.

    Raises:
        InvalidArgumentError: there are plugins, it is another namespace, or the condition is none.
    """
    if plugins:
        raise InvalidArgumentError(
            what="plugins",
            got=repr(plugins),
            expected="nothing, since it is not applied,",
            fix="Set what the plugin would set",
        )
    if condition is not None:
        checked_kind(condition, QueryRejectCondition, "default_workflow_query_reject_condition")
    if namespace != "default":
        raise InvalidArgumentError(
            what="namespace", got=repr(namespace), expected="'default'", fix="Use one file for each namespace"
        )


ClientConfig.__module__ = "understudy.client"
