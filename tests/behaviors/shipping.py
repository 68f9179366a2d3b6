"""Parents and a child, for the tests of children without an engine."""

from __future__ import annotations

from understudy import workflow

__all__ = ["Ship", "order", "ship"]


@workflow.defn(name="Ship")
class Ship:
    """A child."""

    @workflow.run
    async def run(self, parcel: str, weight: float = 1.0) -> str:
        return f"{parcel} of {weight}"


@workflow.defn
async def ship(parcel: str) -> str:
    """A child that is a function."""
    return parcel


@workflow.defn
async def order(parcel: str) -> str:
    """Wait for one child."""
    return await workflow.execute_child_workflow(Ship.run, parcel, id="ship-1")
