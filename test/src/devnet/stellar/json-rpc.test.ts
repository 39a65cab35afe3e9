import { connect } from "node:net";

import { expect } from "chai";

import { createStellarDevnet } from "../../../../src/devnet/stellar/create-stellar-devnet.ts";
import type { StellarDevnet } from "../../../../src/devnet/stellar/create-stellar-devnet.ts";
import { recordingLogger } from "./ledger-fixture.ts";

interface Reply {
  readonly id?: unknown;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly code: number; readonly message: string };
}

describe("development ledger's raw JSON-RPC", () => {
  let devnet: StellarDevnet;

  before(async () => {
    devnet = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 0 });
  });

  after(() => devnet.stop());

  const post = async (body: string): Promise<{ status: number; reply: Reply }> => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(devnet.rpcUrl, { method: "POST", headers, body });
    const text = await response.text();
    return { status: response.status, reply: (text === "" ? {} : JSON.parse(text)) as Reply };
  };

  const call = async (method: string, params?: unknown): Promise<Reply> =>
    (await post(JSON.stringify({ jsonrpc: "2.0", id: 7, method, params }))).reply;

  it("refuses what is no JSON-RPC with the protocol's codes and lives on", async () => {
    const cases: readonly (readonly [string, number])[] = [
      ["{", -32700],
      ["", -32700],
      ["[".repeat(100_000), -32700],
      ["null", -32600],
      ["[1]", -32700],
      ['{"jsonrpc":"1.0","id":1,"method":"getHealth"}', -32600],
      ['{"jsonrpc":"2.0","id":{},"method":"getHealth"}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":5}', -32700],
      ['{"jsonrpc":"2.0","id":1,"method":"__proto__"}', -32601],
      ['{"jsonrpc":"2.0","id":1,"method":"constructor"}', -32601],
      ['{"jsonrpc":"2.0","id":1,"method":"simulateTransaction"}', -32601],
    ];
    for (const [body, code] of cases) {
      const { reply } = await post(body);
      const one = Array.isArray(reply) ? (reply as Reply[])[0] : reply;
      expect(one?.error?.code, body.slice(0, 60)).to.equal(code);
    }
    expect((await call("getHealth")).result?.["status"]).to.equal("healthy");
  });

  it("keeps ids, answers batches, and stays silent to notifications", async () => {
    expect((await call("getHealth")).id).to.equal(7);
    const batch = await post(
      '[{"jsonrpc":"2.0","id":"a","method":"getHealth"},{"jsonrpc":"2.0","method":"getHealth"}]',
    );
    expect(batch.reply).to.have.lengthOf(1);
    expect((await post('{"jsonrpc":"2.0","method":"getHealth"}')).status).to.equal(204);
    const many = Array.from({ length: 51 }, (_, id) => ({ jsonrpc: "2.0", id, method: "getHealth" }));
    expect((await post(JSON.stringify(many))).reply.error?.code).to.equal(-32600);
  });

  it("holds every limit of the service", async () => {
    const sequence = Number((await call("getLatestLedger")).result?.["sequence"]);
    const cases: readonly (readonly [string, unknown, number, RegExp])[] = [
      ["getLedgerEntries", { keys: Array.from({ length: 201 }, () => "AAAA") }, -32602, /key count \(201\) exceeds/],
      ["getLedgerEntries", { keys: ["AAAA"] }, -32602, /cannot unmarshal key value AAAA at index 0/],
      ["getLedgerEntries", ["x"], -32602, /invalid parameters/],
      ["getTransaction", { hash: "ab" }, -32602, /unexpected hash length \(2\)/],
      ["getTransaction", { hash: "z".repeat(64) }, -32602, /incorrect hash/],
      ["getTransactions", { startLedger: 1, pagination: { limit: 201 } }, -32600, /limit must not exceed 200/],
      [
        "getTransactions",
        { startLedger: sequence + 1 },
        -32600,
        /start ledger \(\d+\) must be between the oldest ledger: 1/,
      ],
      ["getTransactions", { startLedger: 1, pagination: { cursor: "1" } }, -32600, /cannot both be set/],
      ["getTransactions", { pagination: { cursor: "x" } }, -32602, /invalid syntax/],
      ["getTransactions", {}, -32600, /start ledger \(0\) must be between/],
      ["getLedgers", { startLedger: 1, pagination: { limit: 201 } }, -32600, /limit must not exceed 200/],
      ["getLedgers", { pagination: { cursor: String(sequence) } }, -32602, /must be between the oldest ledger/],
      ["sendTransaction", { transaction: "AAAA" }, -32602, /invalid_xdr/],
      ["sendTransaction", { transaction: "%%%" }, -32602, /invalid_xdr/],
      ["sendTransaction", {}, -32602, /invalid_xdr/],
    ];
    for (const [method, params, code, message] of cases) {
      const { error } = await call(method, params);
      expect(error?.code, `${method} ${JSON.stringify(params).slice(0, 80)}`).to.equal(code);
      expect(error?.message).to.match(message);
    }
  });

  it("refuses a body of more than 512 KiB, told or untold length, and other HTTP methods", async () => {
    const big = "x".repeat(512 * 1024 + 1);
    expect((await post(big)).reply.error?.code).to.equal(-32600);
    const socket = connect(Number(new URL(devnet.rpcUrl).port), "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
    const chunk = `${(64 * 1024).toString(16)}\r\n${"y".repeat(64 * 1024)}\r\n`;
    for (let i = 0; i < 9; i++) socket.write(chunk);
    const { promise, resolve } = Promise.withResolvers<string>();
    socket.on("data", (data: Buffer) => resolve(data.toString()));
    expect(await promise).to.match(/^HTTP\/1.1 413/);
    socket.destroy();
    expect((await fetch(devnet.rpcUrl)).status).to.equal(405);
    for (const type of ["text/plain", "application/json; charset=latin1", "application/jsonp"]) {
      const { status } = await fetch(devnet.rpcUrl, { method: "POST", headers: { "content-type": type }, body: "{}" });
      expect(status, type).to.equal(415);
    }
    expect((await fetch(`${devnet.rpcUrl}/friendbot`, { method: "DELETE" })).status).to.equal(405);
    expect((await call("getHealth")).result?.["status"]).to.equal("healthy");
  });

  it("lets a page of another origin in, as the service does", async () => {
    const origin = "https://wallet.example";
    const asked = await fetch(devnet.rpcUrl, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
    });
    expect(asked.status).to.equal(204);
    expect(asked.headers.get("access-control-allow-origin")).to.equal(origin);
    expect(asked.headers.get("access-control-allow-methods")).to.equal("POST");
    expect(asked.headers.get("access-control-allow-headers")).to.equal("content-type");
    const headers = { origin, "content-type": "application/json; charset=utf-8" };
    const body = '{"jsonrpc":"2.0","id":1,"method":"getHealth"}';
    const answered = await fetch(devnet.rpcUrl, { method: "POST", headers, body });
    expect(answered.status).to.equal(200);
    expect(answered.headers.get("access-control-allow-origin")).to.equal(origin);
    expect((await fetch(devnet.rpcUrl, { method: "OPTIONS" })).status).to.equal(405);
  });

  it("ends at once with requests open", async () => {
    const other = await createStellarDevnet({ logger: recordingLogger(), closeEveryMs: 3_600_000 });
    const address = "GBZXN7PIRZGNMHGA7MUUUF4GWPY5AYPV6LY4UV2GL6VJGIQRXFDNMADI";
    const waiting = fetch(`${other.friendbotUrl}?addr=${address}`).then(
      (response) => response.status,
      () => 0,
    );
    const socket = connect(Number(new URL(other.rpcUrl).port), "127.0.0.1");
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n");
    await fetch(other.rpcUrl, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    const started = performance.now();
    await other.stop();
    // Far below what an open request or a waiting friendbot would take by themselves.
    expect(performance.now() - started).to.be.lessThan(8_000);
    expect(await waiting).to.be.oneOf([0, 503]);
    socket.destroy();
  });
});
