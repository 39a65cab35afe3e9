import { z } from "zod";

import { fromBase64, toBase64 } from "../utils/bytes.ts";
import { check, cidJson, decimalJson } from "./json.ts";

const MAX_ENVELOPE_BASE64 = Math.ceil((64 * 1024) / 3) * 4;

/** The transaction that a program's history ends with, as JSON. */
export const tipJsonSchema = z.strictObject({
  recordCid: cidJson,
  /** XDR as the ledger holds it, in base64. */
  envelope: z.base64().max(MAX_ENVELOPE_BASE64),
  /** Of the smart account, right after it. */
  sequence: decimalJson,
  ledger: z.int().positive(),
});

export type TipJson = z.output<typeof tipJsonSchema>;

/** What a worker says that a program's history ends with; nothing of it is checked by its form. */
export interface ServedTip {
  readonly recordCid: string;
  readonly envelope: Uint8Array;
  readonly sequence: bigint;
  /** Number of the ledger that holds it. */
  readonly ledger: number;
}

export function tipToJson({ recordCid, envelope, sequence, ledger }: ServedTip): TipJson {
  return { recordCid, envelope: toBase64(envelope), sequence: sequence.toString(), ledger };
}

/** @throws SprfError `INVALID_INPUT` when the body is none */
export function tipFromJson(body: unknown): ServedTip {
  const { recordCid, envelope, sequence, ledger } = check(tipJsonSchema, body);
  return { recordCid, envelope: fromBase64(envelope), sequence: BigInt(sequence), ledger };
}
