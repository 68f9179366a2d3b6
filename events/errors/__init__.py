"""All errors of the engine, gathered in one place; import them from here, whoever you are.

In reading order: `root` has the branches, and says how an error makes its text of its fields; `usage` and `determinism`
say "you did wrong", `engine`, `store` and `codec` say "it went wrong", `activity` has both for activities; `rpc` has
what Temporal's clients catch. They import nothing of ours but the public path.

What workflow code sees of activities and children (`ApplicationError` and kin) is in `events.failures.exceptions`.
"""

from __future__ import annotations

from understudy.events.errors.activity import ActivityClosedError, ActivityExecutionNotFoundError, ActivityNotFoundError
from understudy.events.errors.codec import CodecDecodeError, CodecEncodeError, CodecError
from understudy.events.errors.determinism import (
    DeadlockError,
    DeterminismError,
    NewerRunError,
    NondeterminismError,
    UnsupportedVersionError,
)
from understudy.events.errors.engine import (
    EngineStoppedError,
    IllegalTransitionError,
    StuckWorkflowError,
    WorkflowNotBegunError,
)
from understudy.events.errors.root import EngineError, FieldError, StopError, UnderstudyError, UsageError, nearest_name
from understudy.events.errors.store import (
    AlreadyOpenError,
    CorruptEventError,
    MissingEventError,
    StoreBusyError,
    StoreError,
    StoreFormatError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
    StoreVersionError,
    UnstorableError,
    VersionConflictError,
)
from understudy.events.errors.usage import (
    ArgumentTypeError,
    ClosedClientError,
    DefinitionError,
    DuplicateDefinitionError,
    InvalidArgumentError,
    MailboxFullError,
    NotInActivityError,
    NotInWorkflowError,
    PayloadDecodeError,
    PayloadEncodeError,
    PayloadError,
    QueryRefusedError,
    ReadOnlyContextError,
    ResetRefusedError,
    UnknownActivityTypeError,
    UnknownNameError,
    UnknownQueryError,
    UnknownSignalError,
    UnknownUpdateError,
    UnknownWorkflowTypeError,
    UpdateNotFoundError,
    WorkflowClosedError,
    WorkflowNotFoundError,
)

__all__ = [
    "ActivityClosedError",
    "ActivityExecutionNotFoundError",
    "ActivityNotFoundError",
    "AlreadyOpenError",
    "ArgumentTypeError",
    "ClosedClientError",
    "CodecDecodeError",
    "CodecEncodeError",
    "CodecError",
    "CorruptEventError",
    "DeadlockError",
    "DefinitionError",
    "DeterminismError",
    "DuplicateDefinitionError",
    "EngineError",
    "EngineStoppedError",
    "FieldError",
    "IllegalTransitionError",
    "InvalidArgumentError",
    "MailboxFullError",
    "MissingEventError",
    "NewerRunError",
    "NondeterminismError",
    "NotInActivityError",
    "NotInWorkflowError",
    "PayloadDecodeError",
    "PayloadEncodeError",
    "PayloadError",
    "QueryRefusedError",
    "ReadOnlyContextError",
    "ResetRefusedError",
    "StopError",
    "StoreBusyError",
    "StoreError",
    "StoreFormatError",
    "StoreFullError",
    "StoreLockedError",
    "StoreUnavailableError",
    "StoreVersionError",
    "StuckWorkflowError",
    "UnderstudyError",
    "UnknownActivityTypeError",
    "UnknownNameError",
    "UnknownQueryError",
    "UnknownSignalError",
    "UnknownUpdateError",
    "UnknownWorkflowTypeError",
    "UnstorableError",
    "UnsupportedVersionError",
    "UpdateNotFoundError",
    "UsageError",
    "VersionConflictError",
    "WorkflowClosedError",
    "WorkflowNotBegunError",
    "WorkflowNotFoundError",
    "nearest_name",
]
