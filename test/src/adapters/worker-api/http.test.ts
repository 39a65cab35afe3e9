import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import fc from "fast-check";

import { createHttpWorkerApi } from "../../../../src/adapters/worker-api/http.ts";
import { isSprfError } from "../../../../src/errors.ts";
import { signRequest, type SignedRequest } from "../../../../src/wire/execution-request.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { STATE, keyOf } from "../../../helpers/smart-accounts.ts";

describe("adapters/worker-api/http", () => {
  const api = createHttpWorkerApi();
  const signed: SignedRequest = signRequest(
    {
      version: 1,
      network: "test",
      program: keyOf(9).publicKey(),
      input: { cid: STATE },
      user: keyOf(1).publicKey(),
      nonce: new Uint8Array(32),
      maxGas: 1n,
      validUntil: 1n,
    },
    new Uint8Array(32),
    keyOf(1),
  );
  let server: Server;
  let url: string;
  let status = 200;
  let reply: string | undefined = "";
  let dropNext = false;
  let requests = 0;

  before(async () => {
    server = createServer((request, response) => {
      requests += 1;
      if (dropNext) {
        dropNext = false;
        request.socket.destroy();
        return;
      }
      if (reply !== undefined) response.writeHead(status, { location: url }).end(reply);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    [status, reply, dropNext, requests] = [200, "", false, 0];
  });

  const error = (code: string): string =>
    JSON.stringify({ error: { code, message: "why", fault: "user", next: "do" } });

  it("should keep the code that the worker refuses with", async () => {
    [status, reply] = [402, error("PAYMENT_USED")];
    expect(await codeOf(api.execute(url, signed))).to.equal("PAYMENT_USED");
  });

  it("should not take a code for ours that is none", async () => {
    for (const code of ["constructor", "__proto__", "MADE_UP", ""]) {
      [status, reply] = [400, error(code)];
      expect(await codeOf(api.execute(url, signed)), code).to.equal("WORKER_UNREACHABLE");
    }
  });

  it("should call the worker unreachable for whatever else it answers", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(200, 201, 301, 400, 500),
        fc.oneof(fc.json(), fc.string(), fc.constant("null")),
        async (code, body) => {
          [status, reply] = [code, body];
          expect(await codeOf(api.execute(url, signed))).to.equal("WORKER_UNREACHABLE");
          expect(await codeOf(api.describe(url))).to.equal("WORKER_UNREACHABLE");
        },
      ),
      { numRuns: 40 },
    );
  });

  it("should not read an endless answer to its end", async () => {
    reply = "x".repeat(3 * 1024 * 1024);
    expect(await codeOf(api.execute(url, signed))).to.equal("WORKER_UNREACHABLE");
  });

  it("should send once more on a fresh connection when a kept one was closed", async () => {
    [status, reply] = [402, error("PAYMENT_USED")];
    dropNext = true;
    expect(await codeOf(api.execute(url, signed))).to.equal("PAYMENT_USED");
    expect(requests).to.equal(2);
  });

  it("should end when its caller aborts", async () => {
    reply = undefined;
    const abort = new AbortController();
    const waiting = codeOf(api.execute(url, signed, { signal: abort.signal }));
    abort.abort();
    expect(await waiting).to.equal("ABORTED");
  });

  it("should say where nobody listens", async () => {
    const nobody = "http://127.0.0.1:9";
    try {
      await api.health(nobody);
      throw new Error("expected a failure");
    } catch (thrown) {
      if (!isSprfError(thrown, "WORKER_UNREACHABLE")) throw thrown;
      expect(thrown.message).to.contain(nobody);
    }
  });
});
