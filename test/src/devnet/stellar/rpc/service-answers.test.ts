import { readFileSync } from "node:fs";

import { Account, Asset, Keypair, Operation, TransactionBuilder, xdr } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { createStellarDevnet } from "../../../../../src/devnet/stellar/create-stellar-devnet.ts";
import type { StellarDevnet } from "../../../../../src/devnet/stellar/create-stellar-devnet.ts";
import { rootKeypair } from "../../../../../src/devnet/stellar/ledger/development-ledger.ts";
import { createManualClock } from "../../../../helpers/manual-clock.ts";
import { recordingLogger } from "../ledger-fixture.ts";

interface Answer {
  readonly request: string;
  readonly status: number;
  readonly response?: unknown;
}

interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

const VECTORS = new URL("../../../../vectors/stellar-rpc/", import.meta.url);

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(name, VECTORS), "utf8"));

/** The service ends a request that is no JSON with HTTP 500 and text; JSON-RPC's own answer says more. */
const NOT_JSON = { jsonrpc: "2.0", id: null, error: { code: -32700, message: "invalid request value" } };

describe("development ledger against what Stellar RPC answers", () => {
  let devnet: StellarDevnet;

  before(async () => {
    // A clock that stands still: a later second would close a ledger of its own on demand.
    const clock = createManualClock();
    devnet = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 0, clock });
    while (devnet.closeLedger().header.sequence < 5);
  });

  after(() => devnet.stop());

  const post = async (body: string): Promise<{ status: number; response: unknown }> => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(devnet.rpcUrl, { method: "POST", headers, body });
    const text = await response.text();
    return { status: response.status, response: text === "" ? undefined : JSON.parse(text) };
  };

  const call = async (method: string, params?: unknown): Promise<unknown> => {
    const { response } = await post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }));
    const { result, error } = response as { result?: unknown; error?: unknown };
    expect(error, method).to.equal(undefined);
    return result;
  };

  for (const { request, status, response } of read("answers.json") as readonly Answer[]) {
    it(`answers ${request.length > 120 ? `${request.slice(0, 117)}...` : request}`, async () => {
      const answer = await post(request);
      if (status === 500) expect(answer).to.deep.equal({ status: 200, response: NOT_JSON });
      else expect(comparable(answer)).to.deep.equal(comparable({ status, response }));
    });
  }

  it("has the service's fields, and numbers and strings where it has them", async () => {
    const recorded = new Map(Object.entries(read("responses.json") as Record<string, unknown>));
    const check = (name: string, result: unknown): void => {
      expect(shapeOf(result), name).to.deep.equal(shapeOf(recorded.get(name)));
      recorded.delete(name);
    };
    const root = rootKeypair(devnet.networkPassphrase);
    const { networkPassphrase } = devnet;
    const pay = (sequence: string, signer: Keypair): string => {
      const tx = new TransactionBuilder(new Account(root.publicKey(), sequence), { fee: "100", networkPassphrase })
        .addOperation(Operation.payment({ destination: root.publicKey(), asset: Asset.native(), amount: "1" }))
        .setTimeout(0)
        .build();
      tx.sign(signer);
      return tx.toXdr();
    };
    const unsigned = { transaction: pay("0", Keypair.random()) };
    check("sendTransaction error", await call("sendTransaction", unsigned));
    check("sendTransaction error json", await call("sendTransaction", { ...unsigned, xdrFormat: "json" }));
    const sent = (await call("sendTransaction", { transaction: pay("0", root) })) as { hash: string };
    check("sendTransaction", sent);
    const json = { xdrFormat: "json" };
    for (const method of ["getHealth", "getNetwork", "getVersionInfo", "getLatestLedger", "getFeeStats"]) {
      check(method, await call(method));
    }
    check("getTransaction missing", await call("getTransaction", { hash: "0".repeat(64) }));
    check("getTransaction", await call("getTransaction", { hash: sent.hash }));
    check("getTransaction json", await call("getTransaction", { hash: sent.hash, ...json }));
    check("getTransactions", await call("getTransactions", { startLedger: 6 }));
    check("getTransactions json", await call("getTransactions", { startLedger: 6, ...json }));
    check("getLedgers", await call("getLedgers", { startLedger: 6 }));
    check("getLedgers json", await call("getLedgers", { startLedger: 6, ...json }));
    const key = xdr.LedgerKey.account(new xdr.LedgerKeyAccount({ accountId: root.xdrPublicKey() }));
    const keys = [key.toXdr("base64")];
    check("getLedgerEntries", await call("getLedgerEntries", { keys }));
    check("getLedgerEntries json", await call("getLedgerEntries", { keys, ...json }));
    check("getEvents", await call("getEvents", { startLedger: 6 }));
    expect([...recorded.keys()]).to.deep.equal([]);
  });

  it("says the same in JSON as in base64", async () => {
    const page = { startLedger: 6, pagination: { limit: 1 } };
    const base64 = (await call("getLedgers", page)) as { ledgers: { headerXdr: string; metadataXdr: string }[] };
    const json = (await call("getLedgers", { ...page, xdrFormat: "json" })) as typeof base64;
    const [plain] = base64.ledgers;
    const { headerJson, metadataJson, ...rest } = json.ledgers[0] as unknown as Record<string, unknown>;
    expect(rest).to.include({ headerXdr: "", metadataXdr: "" });
    const header = xdr.LedgerHeaderHistoryEntry.fromJson(headerJson as never);
    expect(header.toXdr("base64")).to.equal(plain?.headerXdr);
    const metadata = xdr.LedgerCloseMeta.fromJson(metadataJson as never);
    expect(metadata.toXdr("base64")).to.equal(plain?.metadataXdr);
  });
});

/** An answer without what means nothing: texts of Go's JSON reader, and values of a result but where its events end. */
function comparable({ status, response }: { readonly status: number; readonly response?: unknown }): unknown {
  const strip = (one: unknown): unknown => {
    if (one === null || typeof one !== "object") return one;
    const { result, error, ...rest } = one as { result?: { events?: unknown; cursor?: string }; error?: RpcError };
    if (error?.code === -32602) return { ...rest, error: { code: error.code, message: error.message } };
    if (error !== undefined) return { ...rest, error };
    return { ...rest, result: shapeOf(result), ...(result?.events !== undefined && { cursor: result.cursor }) };
  };
  return { status, response: Array.isArray(response) ? response.map(strip) : strip(response) };
}

/** Field names and JSON types; lists by their first element, and what XDR's JSON holds not at all. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (value === null || typeof value !== "object") return typeof value;
  const entries = Object.entries(value).map(([name, field]) => [name, name.endsWith("Json") ? "json" : shapeOf(field)]);
  return Object.fromEntries(entries.sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))) as unknown;
}
