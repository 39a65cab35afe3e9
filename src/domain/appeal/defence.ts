import { z } from "zod";

import { SprfError, messageOf } from "../../errors.ts";
import { decodeCanonical, encodeCanonical } from "../../wire/canonical.ts";
import { signedAnswerSchema } from "../../wire/execution-answer.ts";
import { signedRequestSchema } from "../../wire/execution-request.ts";
import { bytesOf } from "../../wire/primitives.ts";

/** One block; content stores take no larger ones. */
const MAX_DEFENCE_BYTES = 1024 * 1024;
const MAX_ACCUSERS = 7;
const MAX_ANSWERS = 16;

/** What a worker shows for itself when it appeals: for each accusing tester what it found, and its own signed answers. */
const defenceSchema = z.strictObject({
  version: z.literal(1),
  kind: z.literal("defence"),
  agreement: bytesOf(20),
  epoch: z.int().min(0),
  workerId: z.int().positive(),
  accusations: z
    .array(
      z.strictObject({
        tester: bytesOf(20),
        verdict: z.enum(["unreachable", "wrong"]),
        evidenceCid: z.string().max(128),
        finding: z.enum(["refuted", "unsupported", "stands"]),
        /** The tester's request, when its evidence has one. */
        request: signedRequestSchema.optional(),
        /** This worker's answers to it. */
        answers: z.array(signedAnswerSchema).max(MAX_ANSWERS),
      }),
    )
    .min(1)
    .max(MAX_ACCUSERS),
});

export type Defence = z.output<typeof defenceSchema>;
export type DefendedAccusation = Defence["accusations"][number];

/** Canonical dag-cbor; requests are left out when they make it too large. */
export function encodeDefence(defence: Defence): Uint8Array {
  const block = encodeCanonical(defence);
  if (block.length <= MAX_DEFENCE_BYTES) return block;
  const accusations = defence.accusations.map(({ request: _request, ...rest }) => rest);
  return encodeCanonical({ ...defence, accusations });
}

/** @throws SprfError `INVALID_INPUT` for bytes that are no defence */
export function decodeDefence(block: Uint8Array): Defence {
  try {
    return defenceSchema.parse(decodeCanonical(block));
  } catch (error) {
    throw new SprfError("INVALID_INPUT", `not a worker's defence: ${messageOf(error)}`, { cause: error });
  }
}
