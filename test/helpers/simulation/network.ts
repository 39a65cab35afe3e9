import type { OpenAPIHono } from "@hono/zod-openapi";

import { ERRORS, SprfError, type ErrorCode } from "../../../src/errors.ts";
import type { Ledger, LedgerOptions } from "../../../src/ports/ledger.ts";
import type { WorkerApi, WorkerApiOptions } from "../../../src/ports/worker-api.ts";
import { raceAbort } from "../../../src/utils/abort.ts";
import { batchProposalToJson, batchVerdictFromJson } from "../../../src/wire/batch-proposal.ts";
import { answerFromJson, errorJsonSchema, requestToJson } from "../../../src/wire/execution-json.ts";
import { consentFromJson, proposalToJson } from "../../../src/wire/proposal-json.ts";
import { allOf } from "./all-of.ts";
import type { Faults } from "./faults.ts";

/** A worker's API while the worker lives. */
export interface Endpoint {
  readonly app: OpenAPIHono;
  /** Rejects when the worker dies. */
  readonly cut: Promise<never>;
}

/** Workers' APIs by address; undefined while nobody listens there. */
export type Endpoints = (url: string) => Endpoint | undefined;

/** Workers as users and other workers reach them: over a network that loses, delays, doubles and overtakes. */
export function simulatedWorkerApi(endpoints: Endpoints, faults: Faults): WorkerApi {
  const lost = (url: string, what: string): SprfError => new SprfError("WORKER_UNREACHABLE", `${url}: ${what}`);

  async function deliver(url: string, path: string, body: string): Promise<unknown> {
    await faults.travel();
    const endpoint = endpoints(url);
    if (endpoint === undefined) throw lost(url, "connection refused");
    const response = await Promise.race([
      endpoint.app.request(`${url}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      }),
      endpoint.cut,
    ]);
    const json: unknown = await response.json();
    if (response.ok) return json;
    const { code, message } = errorJsonSchema.parse(json).error;
    throw new SprfError(Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "INTERNAL", message);
  }

  async function exchange(url: string, path: string, body: string): Promise<unknown> {
    if (faults.strikes(faults.rates.lost)) {
      await faults.giveUp();
      throw lost(url, "no connection");
    }
    // What is said twice is heard twice; the second answer finds nobody.
    if (faults.strikes(faults.rates.doubled)) deliver(url, path, body).catch(() => undefined);
    const json = await deliver(url, path, body);
    await faults.travel();
    if (!faults.strikes(faults.rates.lost)) return json;
    await faults.giveUp();
    throw lost(url, "the answer was lost");
  }

  async function post(url: string, path: string, body: unknown, { signal }: WorkerApiOptions = {}): Promise<unknown> {
    return await raceAbort(exchange(url, path, JSON.stringify(body)), signal);
  }

  const api: Pick<WorkerApi, "execute" | "consent" | "endorse"> = {
    execute: async (url, signed, options) =>
      answerFromJson(await post(url, "/v1/executions", requestToJson(signed), options)),
    consent: async (url, proposal, options) =>
      consentFromJson(await post(url, "/v1/changes", proposalToJson(proposal), options)),
    endorse: async (url, proposal, options) =>
      batchVerdictFromJson(await post(url, "/v1/batches", batchProposalToJson(proposal), options)),
  };
  // Nothing else of it is part of a simulation.
  return api as WorkerApi;
}

/** The ledger's service as one process reaches it; `isDown` says when nobody does. */
export function simulatedLedgerLink(ledger: Ledger, faults: Faults, isDown: () => boolean): Ledger {
  const unreachable = (what: string): SprfError => new SprfError("LEDGER_UNREACHABLE", `the service: ${what}`);

  async function call<T>(work: () => Promise<T>, { signal }: LedgerOptions = {}): Promise<T> {
    await faults.travel({ signal });
    if (isDown() || faults.strikes(faults.rates.lost)) {
      await faults.giveUp({ signal });
      throw unreachable("no connection");
    }
    const result = await work();
    await faults.travel({ signal });
    if (!faults.strikes(faults.rates.lost)) return result;
    await faults.giveUp({ signal });
    throw unreachable("the answer was lost");
  }

  async function submitLater(envelopeXdr: string): Promise<void> {
    await faults.travel();
    await ledger.submit(envelopeXdr);
  }

  return {
    networkPassphrase: ledger.networkPassphrase,
    latest: async (options) => await call(async () => await ledger.latest(), options),
    account: async (id, names, options) => await call(async () => await ledger.account(id, names), options),
    transaction: async (hash, options) => await call(async () => await ledger.transaction(hash), options),
    header: async (sequence, options) => await call(async () => await ledger.header(sequence), options),
    async *transactions(from, to, options) {
      yield* await call(async () => await allOf(ledger.transactions(from, to)), options);
    },
    submit: async (envelopeXdr, options) =>
      await call(async () => {
        if (faults.strikes(faults.rates.doubled)) submitLater(envelopeXdr).catch(() => undefined);
        return await ledger.submit(envelopeXdr);
      }, options),
  };
}
