import { z } from "zod";

import { ERRORS, type ErrorCode } from "../errors.ts";
import type { RunPlan } from "../ports/runs.ts";
import type { RunResultClaim } from "../ports/run-queue.ts";
import { fromBase64, fromHex, toBase64, toHex } from "../utils/bytes.ts";
import { MAX_INLINE_INPUT_BYTES } from "./execution-request.ts";
import { addressJson, check, decimalJson, hex32Json } from "./json.ts";
import { cidSchema } from "./primitives.ts";

const MAX_BASE64_INPUT = Math.ceil(MAX_INLINE_INPUT_BYTES / 3) * 4;
const MAX_IMAGE_LENGTH = 512;
/** The stderr's tail of a program, and some words around it. */
const MAX_DETAIL_LENGTH = 8_192;
const MAX_SECONDS = 1_000_000;

const planJsonSchema = z.strictObject({
  program: addressJson,
  reference: z.union([
    z.strictObject({ kind: z.literal("docker"), image: z.string().max(MAX_IMAGE_LENGTH), digest: hex32Json }),
    z.strictObject({ kind: z.literal("wasi"), cid: cidSchema }),
  ]),
  state: cidSchema,
  input: z.union([z.strictObject({ bytes: z.base64().max(MAX_BASE64_INPUT) }), z.strictObject({ cid: cidSchema })]),
  sequence: decimalJson,
  time: decimalJson,
  seed: hex32Json,
  limits: z
    .strictObject({ memoryBytes: z.int().positive(), outputBytes: z.int().positive(), stateBytes: z.int().positive() })
    .optional(),
  gasTable: z
    .strictObject({
      fixed: decimalJson,
      perInputByte: decimalJson,
      perOutputByte: decimalJson,
      perStateKib: decimalJson,
      perSecond: decimalJson,
    })
    .optional(),
});

const claimJsonSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("done"),
    status: z.enum(["accepted", "rejected"]),
    outputCid: cidSchema,
    newState: cidSchema,
    state: z.enum(["file", "directory"]),
    gas: decimalJson,
    seconds: z.int().positive().max(MAX_SECONDS),
    detail: z.string().max(MAX_DETAIL_LENGTH),
  }),
  z.strictObject({
    kind: z.literal("failed"),
    code: z.string().refine((code): code is ErrorCode => code in ERRORS, { error: "expected an error's code" }),
    message: z.string().max(MAX_DETAIL_LENGTH),
    wasBegun: z.boolean(),
  }),
]);

export type RunPlanJson = z.input<typeof planJsonSchema>;
export type RunClaimJson = z.input<typeof claimJsonSchema>;

/** A plan as it waits in a queue. */
export function encodeRunPlan(plan: RunPlan): RunPlanJson {
  const { limits, gasTable, input } = plan;
  return {
    program: plan.program,
    reference: plan.reference,
    state: plan.state,
    input: "bytes" in input ? { bytes: toBase64(input.bytes) } : { cid: input.cid },
    sequence: plan.sequence.toString(),
    time: plan.time.toString(),
    seed: toHex(plan.seed),
    ...(limits === undefined ? {} : { limits: { ...limits } }),
    ...(gasTable === undefined
      ? {}
      : {
          gasTable: {
            fixed: gasTable.fixed.toString(),
            perInputByte: gasTable.perInputByte.toString(),
            perOutputByte: gasTable.perOutputByte.toString(),
            perStateKib: gasTable.perStateKib.toString(),
            perSecond: gasTable.perSecond.toString(),
          },
        }),
  };
}

/** @throws SprfError `INVALID_INPUT` */
export function decodeRunPlan(value: unknown): RunPlan {
  const { input, sequence, time, seed, limits, gasTable, ...rest } = check(planJsonSchema, value);
  return {
    ...rest,
    input: "bytes" in input ? { bytes: new Uint8Array(fromBase64(input.bytes)) } : input,
    sequence: BigInt(sequence),
    time: BigInt(time),
    seed: fromHex(seed),
    limits,
    gasTable:
      gasTable === undefined
        ? undefined
        : {
            fixed: BigInt(gasTable.fixed),
            perInputByte: BigInt(gasTable.perInputByte),
            perOutputByte: BigInt(gasTable.perOutputByte),
            perStateKib: BigInt(gasTable.perStateKib),
            perSecond: BigInt(gasTable.perSecond),
          },
  };
}

/** What a runner says, as it rests until the worker has looked at it. */
export function encodeRunClaim(claim: RunResultClaim): RunClaimJson {
  if (claim.kind === "failed") return { ...claim, message: claim.message.slice(0, MAX_DETAIL_LENGTH) };
  return { ...claim, gas: claim.gas.toString(), detail: claim.detail.slice(0, MAX_DETAIL_LENGTH) };
}

/** @throws SprfError `INVALID_INPUT` */
export function decodeRunClaim(value: unknown): RunResultClaim {
  const claim = check(claimJsonSchema, value);
  return claim.kind === "failed" ? claim : { ...claim, gas: BigInt(claim.gas) };
}
