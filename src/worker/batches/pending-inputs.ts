import { z } from "zod";

import { compareInputs, type PaidInput } from "../../domain/program/batch.ts";
import type { Store } from "../../ports/store.ts";
import { toHex } from "../../utils/bytes.ts";
import { createTable } from "../../utils/table.ts";
import { batchInputSchema } from "../../wire/batch-record.ts";
import { hashRequest } from "../../wire/execution-request.ts";

const LEDGER_DIGITS = 10;
const PAGE = 500;

const waitingSchema = z.strictObject({
  ...batchInputSchema.pick({ signedRequest: true, payment: true, paidStroops: true }).shape,
  takenAtMs: z.number(),
});

/** A prepaid request that this worker has taken, and since when. */
export interface WaitingInput extends PaidInput {
  /** Hex. */
  readonly requestHash: string;
  readonly takenAtMs: number;
}

/** The prepaid requests that wait for their turn. They are on disk before anybody hears that they were taken. */
export interface PendingInputs {
  /** Reads what an earlier life of this worker took. */
  load(): Promise<void>;
  programs(): readonly string[];
  /** In the order in which they are run. */
  of(program: string): readonly WaitingInput[];
  get(requestHash: string): WaitingInput | undefined;
  /** Taking one twice changes nothing. */
  add(inputs: readonly WaitingInput[]): Promise<void>;
  remove(inputs: readonly WaitingInput[]): Promise<void>;
}

export function createPendingInputs(store: Store): PendingInputs {
  const table = createTable(store, "batch-inputs", waitingSchema);
  const byRequest = new Map<string, WaitingInput>();
  const byProgram = new Map<string, Map<string, WaitingInput>>();

  function remember(input: WaitingInput): void {
    byRequest.set(input.requestHash, input);
    const { program } = input.signedRequest.request;
    const inputs = byProgram.get(program) ?? new Map<string, WaitingInput>();
    byProgram.set(program, inputs.set(input.requestHash, input));
  }

  function forget({ requestHash, signedRequest }: WaitingInput): void {
    const { program } = signedRequest.request;
    byRequest.delete(requestHash);
    byProgram.get(program)?.delete(requestHash);
    if (byProgram.get(program)?.size === 0) byProgram.delete(program);
  }

  return {
    async load() {
      let after: string | undefined;
      for (;;) {
        const entries = await table.list({ limit: PAGE, ...(after === undefined ? {} : { after }) });
        for (const { value } of entries) {
          remember({ ...value, requestHash: toHex(hashRequest(value.signedRequest.request)) });
        }
        after = entries.at(-1)?.key;
        if (after === undefined || entries.length < PAGE) return;
      }
    },
    programs: () => [...byProgram.keys()],
    of: (program) => [...(byProgram.get(program)?.values() ?? [])].sort(compareInputs),
    get: (requestHash) => byRequest.get(requestHash),
    async add(inputs) {
      const fresh = inputs.filter(({ requestHash }) => !byRequest.has(requestHash));
      if (fresh.length === 0) return;
      await store.apply(fresh.map(({ requestHash: _hash, ...input }) => table.put(keyOf(input), input)));
      for (const input of fresh) if (!byRequest.has(input.requestHash)) remember(input);
    },
    async remove(inputs) {
      if (inputs.length === 0) return;
      await store.apply(inputs.map((input) => table.delete(keyOf(input))));
      inputs.forEach(forget);
    },
  };
}

function keyOf({ signedRequest, payment }: PaidInput): string {
  const ledger = payment.ledger.toString().padStart(LEDGER_DIGITS, "0");
  return `${signedRequest.request.program}/${ledger}/${toHex(signedRequest.paymentHash)}`;
}
