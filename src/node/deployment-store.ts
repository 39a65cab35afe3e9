import { z } from "zod";

import { openConsumption, type ConsumptionState } from "../domain/grid/consumption.ts";
import type { Store } from "../ports/store.ts";
import { createTable } from "../utils/table.ts";
import { withoutUndefined } from "../wire/without-undefined.ts";
import { GRID_REFUSAL_CODES } from "../wire/grid/refusals.ts";
import { bytesOf, bytesUpTo } from "../wire/primitives.ts";

const bytes = bytesUpTo(Number.MAX_SAFE_INTEGER);

const versionSchema = z.strictObject({
  deploymentHash: bytesOf(32),
  /** Canonical encoding. */
  workload: bytes,
  /** As they came; they are opened when the deployment is made, and rest nowhere else. */
  sealedSecrets: bytes.optional(),
  /** The account that made the contract: 20 bytes. */
  creator: bytesOf(20),
  publicIps: z.array(z.string()),
});

const recordSchema = z.strictObject({
  contractId: z.int().positive(),
  /** What runs, or ran until the node paused it. */
  current: versionSchema.optional(),
  /** What is being made, written before anything of it is started. */
  next: versionSchema.optional(),
  /** Written before it is paused, and after it was resumed. */
  isPaused: z.boolean(),
  /** The version that could not be made, and why. */
  failed: z.strictObject({ deploymentHash: bytesOf(32), refusal: z.enum(GRID_REFUSAL_CODES) }).optional(),
});

/** One version of a deployment, with all that it takes to make it again. */
export type DeploymentVersion = z.output<typeof versionSchema>;
/** What a node keeps of a contract. */
export type DeploymentRecord = z.output<typeof recordSchema>;

const amount = z.coerce.bigint();
const consumptionSchema = z.strictObject({
  contractId: amount,
  lastSampleMs: z.number(),
  counters: z.record(z.string(), z.strictObject({ identity: z.string(), cpu: amount, network: amount })),
  measuredMs: z.number(),
  cpuNanoseconds: amount,
  networkBytes: amount,
  memoryByteMs: amount,
  ssdByteMs: amount,
  hddByteMs: amount,
  lastTimestamp: z.number(),
  pending: z
    .strictObject({
      contractId: amount,
      timestamp: z.number(),
      cruCores: amount,
      sruBytes: amount,
      hruBytes: amount,
      mruBytes: amount,
      nruBytes: amount,
    })
    .optional(),
});

/** All that a node must know after a crash. */
export interface DeploymentStore {
  get(contractId: number): Promise<DeploymentRecord | undefined>;
  all(): Promise<readonly DeploymentRecord[]>;
  put(record: DeploymentRecord): Promise<void>;
  /** A version that runs from now on; its consumption counts from `nowMs` unless an earlier one of it does already. */
  commit(record: DeploymentRecord, nowMs: number): Promise<void>;
  /** All of it, also what was not reported. */
  forget(contractId: number): Promise<void>;
  consumption(): Promise<readonly ConsumptionState[]>;
  saveConsumption(states: readonly ConsumptionState[]): Promise<void>;
}

/** Keeps deployments and their consumption in the daemon's store. */
export function createDeploymentStore(store: Store): DeploymentStore {
  const records = createTable(store, "grid-deployments", recordSchema);
  const used = createTable<unknown>(store, "grid-consumption", z.unknown());
  const keyOf = (contractId: number | bigint): string => contractId.toString().padStart(20, "0");
  const putRecord = (record: DeploymentRecord) =>
    records.put(keyOf(record.contractId), withoutUndefined<DeploymentRecord>(record));
  const putUsed = (state: ConsumptionState) => used.put(keyOf(state.contractId), writable(state));

  /** The store lists a page at a time. */
  async function listAll<T>(page: (after: string) => Promise<ReadonlyArray<{ key: string; value: T }>>): Promise<T[]> {
    const found: T[] = [];
    for (let after = ""; ;) {
      const entries = await page(after);
      found.push(...entries.map(({ value }) => value));
      const last = entries.at(-1);
      if (last === undefined) return found;
      after = last.key;
    }
  }

  return {
    get: async (contractId) => await records.get(keyOf(contractId)),
    all: async () => await listAll((after) => records.list({ after })),
    put: async (record) => await store.apply([putRecord(record)]),
    async commit(record, nowMs) {
      const known = await used.get(keyOf(record.contractId));
      const opened = known === undefined ? [putUsed(openConsumption(BigInt(record.contractId), nowMs))] : [];
      await store.apply([putRecord(record), ...opened]);
    },
    forget: async (contractId) =>
      await store.apply([records.delete(keyOf(contractId)), used.delete(keyOf(contractId))]),
    consumption: async () =>
      (await listAll((after) => used.list({ after }))).map((value) => consumptionSchema.parse(value)),
    async saveConsumption(states) {
      if (states.length > 0) await store.apply(states.map(putUsed));
    },
  };
}

/** Sums may be more than the 64 bits that dag-cbor has, so they rest as text. */
function writable(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(entries.map(([key, item]) => [key, writable(item)]));
}
