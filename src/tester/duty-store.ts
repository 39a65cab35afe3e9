import { z } from "zod";

import { SprfError, messageOf } from "../errors.ts";
import type { Store } from "../ports/store.ts";
import { decodeCanonical, encodeCanonical } from "../wire/canonical.ts";
import { signedRequestSchema } from "../wire/execution-request.ts";
import { bytesOf } from "../wire/primitives.ts";

const TABLE = "tester-duties";
const EVIDENCE_TABLE = "tester-evidence";
const EPOCH_DIGITS = 6;
/** Testers of an epoch, at most. */
const MAX_SEATS = 7;

const dutySchema = z.strictObject({
  version: z.literal(1),
  agreement: z.string().length(42),
  epoch: z.int().min(0),
  /** `panel`: drawn to judge the appeals of the epoch. */
  round: z.enum(["epoch", "panel"]).default("epoch"),
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
  /** Own signature under the commitment, for somebody else to bring it. */
  signature: bytesOf(65).optional(),
  /** All commitments that were brought together with this one, in the order of their seats. */
  group: z.array(bytesOf(32)).max(MAX_SEATS).optional(),
  /** Own challenges of others' reports of this epoch. */
  challenged: z
    .array(
      z.strictObject({
        seat: z.int().min(0),
        workerIndex: z.int().min(0),
        grounds: z.enum(["evidence-missing", "no-answer"]),
      }),
    )
    .max(MAX_SEATS)
    .optional(),
});

/** One epoch of one agreement that this tester was drawn for, as it is written before anything is done about it. */
export type Duty = z.output<typeof dutySchema>;

/** What a probe leaves behind, so that a restart goes on with it instead of paying twice. */
export type ProbeTrace = NonNullable<Duty["probe"]>;

export interface DutyStore {
  of(agreement: string): Promise<readonly Duty[]>;
  put(duty: Duty): Promise<void>;
  /** Writes a duty down with the evidence that its report names: both or neither. */
  putReported(duty: Duty, evidence: Uint8Array): Promise<void>;
  /** The block that the duty's report names. */
  evidenceOf(duty: Pick<Duty, "agreement" | "epoch" | "round">): Promise<Uint8Array | undefined>;
  /** Forgets all duties of an agreement, and their evidence. */
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
    async putReported(duty, evidence) {
      const key = keyOf(duty);
      await store.apply([
        { kind: "put", table: EVIDENCE_TABLE, key, value: evidence },
        { kind: "put", table: TABLE, key, value: encode(duty) },
      ]);
    },
    evidenceOf: async (duty) => await store.get(EVIDENCE_TABLE, keyOf(duty)),
    async forget(agreement) {
      const entries = await list(agreement);
      const tables = [TABLE, EVIDENCE_TABLE];
      await store.apply(entries.flatMap(({ key }) => tables.map((table) => ({ kind: "delete" as const, table, key }))));
    },
  };
}

function keyOf({ agreement, epoch, round }: Pick<Duty, "agreement" | "epoch" | "round">): string {
  const key = `${agreement}/${epoch.toString().padStart(EPOCH_DIGITS, "0")}`;
  return round === "panel" ? `${key}/panel` : key;
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
