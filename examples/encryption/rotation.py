"""Half a payout by one key, a look into the file, a try without the key, and the other half by a new key."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from pathlib import Path

from aes_codec import AesCodec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from payouts import Account, PayoutWorkflow, paid, transfer

from understudy import Client, Worker
from understudy.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from understudy.exceptions import CodecDecodeError

QUEUE = "payouts"
ACCOUNT = Account("Ada Kim", "IE29AIBK93115212345678")
SECRETS = (ACCOUNT.owner, ACCOUNT.iban, "did not answer", "signed by hand")


def converter(keys: dict[str, bytes], key_id: str) -> DataConverter:
    """Encrypt values, and of errors their messages and stack traces, too."""
    return DataConverter(
        payload_codec=AesCodec(keys, key_id), failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )


async def first_half(url: str, data_converter: DataConverter) -> None:
    """Pay, and stop before the owner has confirmed."""
    async with await Client.connect(url, data_converter=data_converter) as client:
        await client.start_workflow(
            PayoutWorkflow.run,
            args=[ACCOUNT, 4200],
            id="payout-1",
            task_queue=QUEUE,
            memo={"why": "signed by hand"},
        )
        async with Worker(client, task_queue=QUEUE, workflows=[PayoutWorkflow], activities=[transfer]):
            await paid.wait()


async def second_half(url: str, data_converter: DataConverter) -> str:
    """Confirm, and return what the workflow says."""
    async with await Client.connect(url, data_converter=data_converter) as client:
        handle = client.get_workflow_handle_for(PayoutWorkflow.run, "payout-1")
        await handle.signal(PayoutWorkflow.confirm, ACCOUNT.owner)
        async with Worker(client, task_queue=QUEUE, workflows=[PayoutWorkflow], activities=[transfer]):
            return await handle.result()


def in_clear(folder: Path) -> list[str]:
    """Return the secrets that can be read in the files of the store."""
    held = b"".join(file.read_bytes() for file in folder.iterdir())
    return [secret for secret in SECRETS if secret.encode() in held]


async def main(folder: Path) -> None:
    """Tell the story."""
    url = f"sqlite:///{folder}/payouts.db"
    keys = {"2025": AESGCM.generate_key(256)}
    await first_half(url, converter(keys, "2025"))
    print(f"Half of a payout is in the file. In clear: {in_clear(folder) or 'nothing'}.")

    keys["2026"] = AESGCM.generate_key(256)
    try:
        await second_half(url, converter({"2026": keys["2026"]}, "2026"))
    except CodecDecodeError as error:
        print(f"Without its key it waits: {error}")

    print(f"With a new key, and the old one to read by: {await second_half(url, converter(keys, '2026'))}.")
    print(f"The payout is done. In clear: {in_clear(folder) or 'nothing'}.")


if __name__ == "__main__":
    logging.disable()
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(main(Path(scratch)))
