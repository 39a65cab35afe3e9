import { AbiCoder, hexlify, keccak256 } from "ethers";

import type { Verdict } from "../../ports/chain.ts";
import { fromHex } from "../../utils/bytes.ts";
import { packVerdicts } from "./packed-verdicts.ts";

/** What a tester says of all workers of an agreement for one epoch. */
export interface TesterReport {
  readonly agreement: string;
  readonly epoch: number;
  readonly tester: string;
  /** One for each worker, in the agreement's order. */
  readonly verdicts: readonly Verdict[];
  readonly evidenceCid: string;
  /** 32 bytes. */
  readonly salt: Uint8Array;
}

/** The 32 bytes that a tester commits to, as contracts/interfaces/IWorkAgreement.sol gives the formula. */
export function commitmentOf(report: TesterReport): Uint8Array {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["address", "uint256", "address", "uint64", "string", "bytes32"],
    [
      report.agreement,
      report.epoch,
      report.tester,
      packVerdicts(report.verdicts),
      report.evidenceCid,
      hexlify(report.salt),
    ],
  );
  return fromHex(keccak256(encoded));
}

/**
 * Nonce of a probe's request: keccak256(agreement, epoch, tester, salt). It looks like any other nonce, and once the salt is
 * revealed everybody sees that the request was this tester's for this epoch.
 */
export function probeNonceOf(duty: Pick<TesterReport, "agreement" | "epoch" | "tester" | "salt">): Uint8Array {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["address", "uint256", "address", "bytes32"],
    [duty.agreement, duty.epoch, duty.tester, hexlify(duty.salt)],
  );
  return fromHex(keccak256(encoded));
}
