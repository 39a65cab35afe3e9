import { Agent, request } from "node:http";

import { expect } from "chai";

import { startHttpServer, type HttpServer } from "../../../../src/worker/http/server.ts";
import { until } from "../../../helpers/until.ts";

const GRACE_MS = 300;
const OK = 200;
const BUSY = 429;

describe("startHttpServer", () => {
  let server: HttpServer;
  let asked: string[];
  let release: () => void;
  let agent: Agent;

  beforeEach(async () => {
    asked = [];
    const held = Promise.withResolvers<void>();
    release = () => held.resolve();
    const fetch = async ({ url }: Request): Promise<Response> => {
      asked.push(new URL(url).pathname);
      if (url.endsWith("/held")) await held.promise;
      return new Response("done");
    };
    server = await startHttpServer({ fetch }, { host: "127.0.0.1", port: 0, graceMs: GRACE_MS });
    agent = new Agent({ keepAlive: true, maxSockets: 1 });
  });
  afterEach(async () => {
    agent.destroy();
    release();
    await server.close();
  });

  it("should answer what it has begun before it closes", async () => {
    const answer = fetch(`http://127.0.0.1:${server.port}/held`);
    await until(() => asked.length === 1);
    const closed = server.close();
    release();
    expect(await (await answer).text()).to.equal("done");
    await closed;
  });

  it("should take nothing new meanwhile: not from others, nor over a connection that is kept", async () => {
    expect((await ask("/first")).status).to.equal(OK);
    const other = fetch(`http://127.0.0.1:${server.port}/held`);
    await until(() => asked.length === 2);
    const held = ask("/held");
    await until(() => asked.length === 3);
    const next = ask("/next");
    const closed = server.close();
    release();
    expect((await held).status).to.equal(OK);
    const { status, body } = await next.catch(() => ({ status: 0, body: "" }));
    if (status !== 0) expect([status, body]).to.deep.include.members([BUSY]);
    await other;
    await closed;
    expect(asked).to.deep.equal(["/first", "/held", "/held"]);
    expect(await ask("/late").catch(() => "refused")).to.equal("refused");
  });

  it("should not wait for what does not end", async () => {
    const answer = fetch(`http://127.0.0.1:${server.port}/held`).catch(() => "cut");
    await until(() => asked.length === 1);
    await Promise.all([server.close(), server.close()]);
    expect(await answer).to.equal("cut");
  });

  async function ask(path: string): Promise<{ readonly status: number; readonly body: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly body: string }>();
    const call = request(`http://127.0.0.1:${server.port}${path}`, { agent }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (part: string) => (body += part));
      answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    call.once("error", reject).end();
    return await promise;
  }
});
