import { concat, toBeHex } from "ethers";

import type { Connection } from "../src/adapters/chain/connection.ts";
import { IGridContracts__factory } from "../typechain-types/factories/interfaces/IGridContracts__factory.ts";

const { topicHash } = IGridContracts__factory.createInterface().getEvent("ConsumptionReported");

/** Of each item of seven words in the call, writes the second word to the slot of the first and logs as many words as a report does. */
const RUNTIME = concat([
  "0x5f", //           PUSH0: where the item begins
  "0x5b", //           JUMPDEST 0x01
  "0x368110", //       CALLDATASIZE DUP2 LT
  "0x15604657", //     ISZERO PUSH1 0x46 JUMPI
  "0x6080816020015f37", // PUSH1 0x80 DUP2 PUSH1 0x20 ADD PUSH0 CALLDATACOPY
  "0x80602001358135", // DUP1 PUSH1 0x20 ADD CALLDATALOAD DUP2 CALLDATALOAD
  "0x55", //           SSTORE
  "0x80357f", //       DUP1 CALLDATALOAD PUSH32
  topicHash,
  "0x60805fa2", //     PUSH1 0x80 PUSH0 LOG2
  "0x60e001600156", // PUSH1 0xe0 ADD PUSH1 0x01 JUMP
  "0x5b00", //         JUMPDEST 0x46 STOP
]);
/** PUSH1 0x48 DUP1 PUSH1 0x09 PUSH0 CODECOPY PUSH0 RETURN */
const CREATION = concat(["0x60488060095f395ff3", RUNTIME]);
const FIELDS_AFTER_ID = 6;

/**
 * What a batch of reports is at the least: transactions of the same size that write a slot and emit an event for each item, and
 * compute nothing.
 *
 * @returns sends one with an item for each contract, and resolves once it is mined
 */
export async function deployBareReports({
  wallet,
  send,
}: Pick<Connection, "wallet" | "send">): Promise<(contractIds: readonly number[], value: bigint) => Promise<void>> {
  const receipt = await (await wallet.sendTransaction({ data: CREATION })).wait();
  const to = receipt?.contractAddress;
  if (to === undefined || to === null) throw new Error("the bare contract was not made");
  return async (contractIds, value) => {
    const fields = Array.from({ length: FIELDS_AFTER_ID }, () => toBeHex(value, 32));
    const data = concat(contractIds.flatMap((contractId) => [toBeHex(contractId, 32), ...fields]));
    const { logs } = await send(() => Promise.resolve({ to, data }));
    if (logs.length !== contractIds.length)
      throw new Error(`${logs.length} of ${contractIds.length} items were logged`);
  };
}
