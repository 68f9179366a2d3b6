"""The contract is not a test file by its name, but its asserts should explain themselves as those of one do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.store.contract", "tests.store.contract_reads")
