import { z } from "zod";

import { fromBase64, toBase64 } from "../utils/bytes.ts";
import { addressJson, check, cidJson, signatureJson } from "./json.ts";

const MAX_RECORD_BASE64 = 4_096;
const MAX_TRANSACTION_BASE64 = 4_096;
const MAX_WORKERS = 20;

/** A signed recovery as its owner keeps it: in JSON, with all that is needed once no worker answers any more. */
const keptRecoverySchema = z.strictObject({
  version: z.literal(1),
  network: z.string().min(1).max(128),
  /** The smart account. */
  program: addressJson,
  recordCid: cidJson,
  record: z.base64().max(MAX_RECORD_BASE64),
  /** XDR of the transaction in base64, without signatures: how many it takes is known when it is used. */
  transaction: z.base64().max(MAX_TRANSACTION_BASE64),
  signatures: z
    .array(z.strictObject({ worker: addressJson, signature: signatureJson }))
    .min(1)
    .max(MAX_WORKERS),
});

/** A transaction that a majority signed, which hands a program to its owner once nothing of it has landed for 30 days. */
export interface KeptRecovery {
  readonly network: string;
  /** The smart account, `G...`. */
  readonly program: string;
  readonly recordCid: string;
  readonly recordBlock: Uint8Array;
  /** XDR in base64. */
  readonly transactionXdr: string;
  /** By ledger key (`G...`). */
  readonly signatures: ReadonlyMap<string, Uint8Array>;
}

/** The other way round: {@link recoveryFromJson}. */
export function recoveryToJson(kept: KeptRecovery): z.output<typeof keptRecoverySchema> {
  const { network, program, recordCid, recordBlock, transactionXdr, signatures } = kept;
  return {
    version: 1,
    network,
    program,
    recordCid,
    record: toBase64(recordBlock),
    transaction: transactionXdr,
    signatures: [...signatures].map(([worker, signature]) => ({ worker, signature: toBase64(signature) })),
  };
}

/** @throws SprfError `INVALID_INPUT` naming the first field that is wrong */
export function recoveryFromJson(value: unknown): KeptRecovery {
  const { network, program, recordCid, record, transaction, signatures } = check(keptRecoverySchema, value);
  return {
    network,
    program,
    recordCid,
    recordBlock: fromBase64(record),
    transactionXdr: transaction,
    signatures: new Map(signatures.map(({ worker, signature }) => [worker, fromBase64(signature)])),
  };
}
