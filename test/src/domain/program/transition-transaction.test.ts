import { Networks } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { memoHashOf } from "../../../../src/domain/program/envelope.ts";
import {
  TRANSITION_VALID_SECONDS,
  buildTransition,
  type TransitionParts,
} from "../../../../src/domain/program/transition-transaction.ts";
import { recordCidFromHash } from "../../../../src/wire/canonical.ts";
import { STATE, keyOf } from "../../../helpers/smart-accounts.ts";

const recordHash = new Uint8Array(32).fill(3);
const parts: TransitionParts = {
  network: Networks.TESTNET,
  program: keyOf(1).publicKey(),
  user: keyOf(2).publicKey(),
  sequence: 41n,
  newState: STATE,
  recordCid: recordCidFromHash(recordHash),
  gasFeeStroops: 123n,
  validUntil: 1_900_000_500n,
  paymentCloseTime: 1_900_000_000n,
};

describe("transaction of a direct transition", () => {
  it("is the specification's: gas from the user, then the new state, on this sequence alone", () => {
    const { source, sequence, fee, operations } = buildTransition(parts);
    expect({ source, sequence, fee }).to.deep.equal({ source: parts.program, sequence: "42", fee: "0" });
    expect(operations.map(({ type, source: from }) => [type, from])).to.deep.equal([
      ["payment", parts.user],
      ["manageData", parts.program],
    ]);
    expect(operations[0]).to.deep.include({ destination: parts.program, amount: "0.0000123" });
    expect(operations[1]).to.deep.include({ name: "current_state" });
    expect(memoHashOf(buildTransition(parts))).to.deep.equal(recordHash);
  });

  it("has no payment when gas costs nothing", () => {
    const { operations } = buildTransition({ ...parts, gasFeeStroops: 0n });
    expect(operations.map(({ type }) => type)).to.deep.equal(["manageData"]);
  });

  it("can land until the request ends or the payment is too old, whichever is first", () => {
    const maxTimeOf = (validUntil: bigint): string | undefined =>
      buildTransition({ ...parts, validUntil }).timeBounds?.maxTime;
    expect(maxTimeOf(1_900_000_500n)).to.equal(String(1_900_000_000 + TRANSITION_VALID_SECONDS));
    expect(maxTimeOf(1_900_000_060n)).to.equal("1900000060");
  });

  it("is the same transaction for all who build it", () => {
    const again = { ...parts, recordCid: `${parts.recordCid}` };
    expect(buildTransition(again).hash()).to.deep.equal(buildTransition(parts).hash());
    expect(buildTransition({ ...parts, gasFeeStroops: 124n }).hash()).not.to.deep.equal(buildTransition(parts).hash());
  });
});
