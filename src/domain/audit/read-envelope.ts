import type { Transaction } from "@stellar/stellar-sdk";

import { innerTransactionOf } from "../program/envelope.ts";

/** The transaction in an envelope that a record holds, without the fee bump around it; undefined when there is none. */
export function readEnvelope(envelope: Uint8Array, network: string): Transaction | undefined {
  try {
    return innerTransactionOf(Buffer.from(envelope).toString("base64"), network);
  } catch {
    return undefined;
  }
}
