import { expect } from "chai";
import type { Hono } from "hono";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createFeed } from "../../../src/dashboard/feed.ts";
import { programRoutes } from "../../../src/dashboard/program-routes.ts";
import type { ProgramSource } from "../../../src/dashboard/program-source.ts";
import { createDashboardServer } from "../../../src/dashboard/server.ts";
import { missingSource } from "../../../src/dashboard/topic-source.ts";
import type { TopicKind } from "../../../src/dashboard/views.ts";
import { SprfError } from "../../../src/errors.ts";

const CID = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const PROGRAM = "G".padEnd(56, "A");
const JSON_TYPE = { "content-type": "application/json" };

describe("dashboard/program-routes", () => {
  let asked: string[];
  let refusal: SprfError | undefined;
  let server: Hono;

  beforeEach(() => {
    asked = [];
    refusal = undefined;
    const answer = async <T>(what: string, value: T): Promise<T> => {
      asked.push(what);
      if (refusal !== undefined) throw refusal;
      return await Promise.resolve(value);
    };
    const source: ProgramSource = {
      ...missingSource("there is none"),
      page: async (program, after) => await answer(`page ${program} ${after}`, { steps: [] }),
      content: async (program, cid) => await answer(`content ${program} ${cid}`, { bytes: 0, isCut: false }),
      rerun: async (program, recordCid) =>
        await answer(`rerun ${program} ${recordCid}`, { recordCid, outcome: "equal", tookMs: 1, ran: 1, runs: 1 }),
    };
    const sources = {} as Record<TopicKind, never>;
    const feed = createFeed({ sources, clock: systemClock, logger: createMemoryLogger() });
    const app = { page: new Response() as never, file: () => undefined };
    server = createDashboardServer({ app, feed, logger: createMemoryLogger() }, { routes: programRoutes(source) });
  });

  async function ask(
    path: string,
    init: RequestInit = {},
  ): Promise<{ readonly status: number; readonly body: unknown }> {
    const headers = { host: "127.0.0.1", ...(init.headers as Record<string, string>) };
    const response = await server.request(`http://127.0.0.1${path}`, { ...init, headers });
    return { status: response.status, body: await response.json() };
  }
  const rerun = async (body: string, headers: Record<string, string> = JSON_TYPE): Promise<number> =>
    (await ask(`/api/programs/${PROGRAM}/rerun`, { method: "POST", body, headers })).status;

  it("gives older steps, content, and what came of a run", async () => {
    expect(await ask(`/api/programs/${PROGRAM}/steps?after=${CID}`)).to.deep.equal({
      status: 200,
      body: { steps: [] },
    });
    expect((await ask(`/api/programs/${PROGRAM}/content/${CID}`)).status).to.equal(200);
    expect(await rerun(JSON.stringify({ record: CID }))).to.equal(200);
    expect(asked).to.deep.equal([`page ${PROGRAM} ${CID}`, `content ${PROGRAM} ${CID}`, `rerun ${PROGRAM} ${CID}`]);
  });

  it("refuses what is no CID before anything is asked", async () => {
    expect((await ask(`/api/programs/${PROGRAM}/steps?after=..`)).status).to.equal(400);
    expect((await ask(`/api/programs/${PROGRAM}/steps`)).status).to.equal(400);
    expect((await ask(`/api/programs/${PROGRAM}/content/x`)).status).to.equal(400);
    for (const body of ["", "{", "[]", JSON.stringify({ record: 1 }), JSON.stringify({ record: CID, more: 1 })]) {
      expect(await rerun(body), body).to.equal(400);
    }
    expect(asked).to.deep.equal([]);
  });

  it("takes runs from its own pages alone, and nothing large", async () => {
    const body = JSON.stringify({ record: CID });
    // What a form or a script of another page may send without asking first.
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
      expect(await rerun(body, { "content-type": type }), type).to.equal(400);
    }
    expect(await rerun(body, { ...JSON_TYPE, host: "evil.example" })).to.equal(421);
    expect(await rerun(JSON.stringify({ record: CID, more: "x".repeat(2_000) }))).to.equal(400);
    expect(asked).to.deep.equal([]);
  });

  it("tells refusals by their status and code", async () => {
    const expected = [
      ["INVALID_INPUT", 400],
      ["CONTENT_NOT_FOUND", 404],
      ["WORKER_BUSY", 503],
    ] as const;
    for (const [code, status] of expected) {
      refusal = new SprfError(code, "not now");
      const { status: got, body } = await ask(`/api/programs/${PROGRAM}/rerun`, {
        method: "POST",
        body: JSON.stringify({ record: CID }),
        headers: JSON_TYPE,
      });
      expect([got, (body as { readonly error: { readonly code: string } }).error.code]).to.deep.equal([status, code]);
    }
  });
});
