"""What a client is told: what has an effect, what is accepted without one, and what is refused."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import pytest

from tests.api.harness import Harness
from understudy import Client, workflow
from understudy.client import ClientConnectConfig, WorkflowQueryRejectedError
from understudy.common import HeaderCodecBehavior, QueryRejectCondition
from understudy.converter import DataConverter
from understudy.exceptions import ArgumentTypeError, InvalidArgumentError
from understudy.service import (
    DnsLoadBalancingConfig,
    GrpcCompression,
    HttpConnectProxyConfig,
    KeepAliveConfig,
    PayloadLimitsConfig,
    RetryConfig,
    RPCError,
    RPCStatusCode,
    TLSConfig,
)


@workflow.defn
class Asked:
    """Answers, also when it is done."""

    @workflow.run
    async def run(self) -> None: ...

    @workflow.query
    def answer(self) -> int:
        return 42


async def test_what_a_server_would_need_is_accepted() -> None:
    config: ClientConnectConfig = {
        "target_host": "memory://",
        "namespace": "default",
        "api_key": "secret",
        "data_converter": DataConverter.default,
        "plugins": [],
        "interceptors": [],
        "tls": TLSConfig(domain="example.org"),
        "retry_config": RetryConfig(max_retries=3),
        "keep_alive_config": KeepAliveConfig(interval_millis=10),
        "connect_timeout": timedelta(seconds=1),
        "rpc_metadata": {"who": "me"},
        "identity": "kim",
        "lazy": True,
        "runtime": object(),
        "http_connect_proxy_config": HttpConnectProxyConfig("proxy:80"),
        "dns_load_balancing_config": DnsLoadBalancingConfig.default,
        "grpc_compression": GrpcCompression.NONE,
        "payload_limits": PayloadLimitsConfig(memo_warn_size=0),
        "header_codec_behavior": HeaderCodecBehavior.CODEC,
    }
    async with await Client.connect(**config) as client:
        assert client.identity == "kim"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"plugins": [object()]}, InvalidArgumentError),
        ({"connect_timeout": timedelta(0)}, InvalidArgumentError),
        ({"connect_timeout": 3}, ArgumentTypeError),
        ({"default_workflow_query_reject_condition": 2}, ArgumentTypeError),
    ],
)
async def test_what_cannot_be_is_refused(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=next(iter(options))):
        await Client.connect("memory://", **options)


async def test_a_client_tells_what_it_was_told() -> None:
    condition = QueryRejectCondition.NOT_OPEN
    async with await Client.connect("memory://", default_workflow_query_reject_condition=condition) as client:
        config = client.config()
        assert config == client.config(active_config=True)
        assert config.get("default_workflow_query_reject_condition") is condition
        assert config.get("data_converter") is client.data_converter
        config["namespace"] = "another"
        assert client.config().get("namespace") == "default", "it is a copy"


async def test_queries_are_rejected_as_the_client_says_unless_they_say_otherwise(durable: Harness) -> None:
    await durable.work(Asked)
    await (await durable.start(Asked.run, id="done")).result()
    condition = QueryRejectCondition.NOT_OPEN
    async with await Client.connect(durable.url, default_workflow_query_reject_condition=condition) as other:
        handle = other.get_workflow_handle("done")
        with pytest.raises(WorkflowQueryRejectedError):
            await handle.query(Asked.answer)
        assert await handle.query(Asked.answer, reject_condition=QueryRejectCondition.NONE) == 42
    assert await durable.client.get_workflow_handle("done").query(Asked.answer) == 42


def test_a_client_for_threads_is_told_the_same() -> None:
    with Client.open("memory://", default_workflow_query_reject_condition=QueryRejectCondition.NOT_OPEN) as client:
        assert client.default_workflow_query_reject_condition is QueryRejectCondition.NOT_OPEN


def test_an_error_of_the_service_says_what_it_is() -> None:
    error = pickle.loads(pickle.dumps(RPCError("gone", RPCStatusCode.NOT_FOUND, b"raw")))  # noqa: S301 - our own
    assert isinstance(error, RPCError)
    assert (str(error), error.message) == ("gone", "gone")
    assert (error.status, error.raw_grpc_status) == (RPCStatusCode.NOT_FOUND, b"raw")
