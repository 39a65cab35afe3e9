import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import type { Store } from "../ports/store.ts";
import { decodeCanonical, encodeCanonical } from "../wire/canonical.ts";
import { signedRequestSchema } from "../wire/execution-request.ts";
import { bytesOf } from "../wire/primitives.ts";

const TABLE = "tester-duties";
const EPOCH_DIGITS = 6;

const dutySchema = z.strictObject({
  version: z.literal(1),
  agreement: z.string().length(42),
  epoch: z.int().min(0),
  /**
   * `probing`: no report yet; `reported`: written down, to be committed; `committed`: to be revealed; the others are ends.
   */
  phase: z.enum(["probing", "reported", "committed", "revealed", "abstained", "missed"]),
  salt: bytesOf(32),
  probe: z
    .strictObject({
      /** Of the ledger account that the probe comes from. */
      seed: bytesOf(32),
      /** Once it is paid. */
      signed: signedRequestSchema.optional(),
    })
    .optional(),
  /** What is left on the probe's ledger account was given back, or never will be. */
  reclaimed: z.boolean(),
  report: z
    .strictObject({ verdicts: z.array(z.enum(["ok", "unreachable", "wrong"])), evidenceCid: z.string().max(128) })
    .optional(),
});

/** One epoch of one agreement that this tester was drawn for, as it is written before anything is done about it. */
export type Duty = z.output<typeof dutySchema>;

/** What a probe leaves behind, so that a restart goes on with it instead of paying twice. */
export type ProbeTrace = NonNullable<Duty["probe"]>;

export interface DutyStore {
  of(agreement: string): Promise<readonly Duty[]>;
  put(duty: Duty): Promise<void>;
  /** Forgets all duties of an agreement. */
  forget(agreement: string): Promise<void>;
}

/** Duties in a crash-safe store. */
export function createDutyStore(store: Store): DutyStore {
  const list = async (agreement: string): Promise<ReadonlyArray<{ key: string; value: Uint8Array }>> =>
    await store.list(TABLE, { prefix: `${agreement}/` });
  return {
    async of(agreement) {
      return (await list(agreement)).map(({ value }) => decode(value));
    },
    async put(duty) {
      await store.apply([{ kind: "put", table: TABLE, key: keyOf(duty), value: encode(duty) }]);
    },
    async forget(agreement) {
      const entries = await list(agreement);
      await store.apply(entries.map(({ key }) => ({ kind: "delete" as const, table: TABLE, key })));
    },
  };
}

function keyOf({ agreement, epoch }: Pick<Duty, "agreement" | "epoch">): string {
  return `${agreement}/${epoch.toString().padStart(EPOCH_DIGITS, "0")}`;
}

function encode(duty: Duty): Uint8Array {
  const defined = Object.entries(duty).filter(([, value]) => value !== undefined);
  const probe = duty.probe === undefined ? {} : { probe: withoutUndefined(duty.probe) };
  return encodeCanonical({ ...Object.fromEntries(defined), ...probe });
}

function withoutUndefined(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined));
}

function decode(value: Uint8Array): Duty {
  try {
    return dutySchema.parse(decodeCanonical(value));
  } catch (error) {
    throw new SprfError("STORE_UNAVAILABLE", `a stored duty cannot be read: ${messageOf(error)}`, { cause: error });
  }
}
