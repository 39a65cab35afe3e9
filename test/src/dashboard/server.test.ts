import { request } from "node:http";

import { expect } from "chai";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createFeed, type Feed, type Source } from "../../../src/dashboard/feed.ts";
import { createDashboardServer } from "../../../src/dashboard/server.ts";
import type { TopicSource } from "../../../src/dashboard/topic-source.ts";
import type { TopicKind } from "../../../src/dashboard/views.ts";
import { SprfError } from "../../../src/errors.ts";
import type { WebApp, WebFile } from "../../../src/ports/web-app.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { startHttpServer, type HttpServer } from "../../../src/worker/http/server.ts";
import { readEvents, type EventReader } from "../../helpers/event-reader.ts";
import { until } from "../../helpers/until.ts";

const HEARTBEAT_MS = 40;
const IDLE_MS = 400;
const PUSH_MS = 20;
const FAR_MS = 600_000;
const LEAVE_MS = 100;

const file = (text: string, type: string, isImmutable: boolean): WebFile => ({
  bytes: new Uint8Array(utf8(text)),
  gzip: new Uint8Array(utf8(`gzip of ${text}`)),
  type,
  etag: `"${text.length}"`,
  isImmutable,
});

const PAGE = file("<!doctype html>", "text/html; charset=utf-8", false);
const SCRIPT = file("run()", "text/javascript; charset=utf-8", true);
const APP: WebApp = { page: PAGE, file: (path) => (path === "/assets/a.js" ? SCRIPT : undefined) };

describe("the dashboard's server", () => {
  let views: Partial<Record<TopicKind, unknown>>;
  let reads: number;
  /** What began and ended to be followed of the source that pushes. */
  let pushing: { readonly views: string[]; readonly ends: string[] };
  let sources: Record<TopicKind, Source>;
  let feed: Feed;
  let server: HttpServer;
  let url: string;
  const readers: EventReader[] = [];
  const feeds: Feed[] = [];
  const logger = createMemoryLogger();

  beforeEach(async () => {
    views = { status: { block: 1 }, market: { workers: 0 } };
    reads = 0;
    const source = (kind: TopicKind): Source => ({
      async read(id) {
        reads++;
        if (id === "lost") throw new SprfError("INVALID_INPUT", "there is none");
        return await Promise.resolve({ ...(views[kind] as object), id });
      },
    });
    pushing = { views: [], ends: [] };
    const pushed: TopicSource<unknown> = {
      async *views(id, { signal }) {
        if (id === "lost") throw new SprfError("CHANNEL_UNKNOWN", "there is none");
        pushing.views.push(id);
        for (let count = 1; count <= 3; count += 1) {
          yield { id, count };
          await systemClock.sleep(PUSH_MS, { signal });
        }
        await systemClock.sleep(FAR_MS, { signal }).catch(() => pushing.ends.push(id));
      },
    };
    const kinds: readonly TopicKind[] = ["status", "market", "worker", "agreement", "payments"];
    sources = {
      ...(Object.fromEntries(kinds.map((kind) => [kind, source(kind)])) as Record<TopicKind, Source>),
      channel: pushed,
    };
    feed = createFeed(
      { sources, clock: systemClock, logger },
      { heartbeatMs: HEARTBEAT_MS, idleMs: IDLE_MS, leaveMs: LEAVE_MS },
    );
    feeds.push(feed);
    const app = createDashboardServer({ app: APP, feed, logger }, { allowedHosts: ["dash.example"] });
    server = await startHttpServer(app, { host: "127.0.0.1", port: 0 });
    url = `http://127.0.0.1:${server.port}`;
  });
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close();
    for (const each of feeds.splice(0)) each.close();
    await server.close();
  });

  async function follow(topics: string, headers: Readonly<Record<string, string>> = {}): Promise<EventReader> {
    const reader = await readEvents(`${url}/events?topics=${topics}`, headers);
    readers.push(reader);
    return reader;
  }
  /** One that waits for whoever takes nothing. */
  function patientFeed(): Feed {
    const patient = createFeed({ sources, clock: systemClock, logger }, { heartbeatMs: HEARTBEAT_MS });
    feeds.push(patient);
    return patient;
  }
  /** Node's own client, since `fetch` lets nobody choose the name. */
  async function askAs(host: string, path = "/"): Promise<number | undefined> {
    return await new Promise((resolve, reject) => {
      const asked = request(`${url}${path}`, { headers: { host }, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.once("error", reject).end();
    });
  }

  describe("as a server of files", () => {
    it("should answer every path that is a page with the app, and ask each time whether it is new", async () => {
      for (const path of ["/", "/workers/1", "/payments/0x00"]) {
        const response = await fetch(`${url}${path}`);
        expect(response.status).to.equal(200);
        expect(response.headers.get("content-type")).to.equal(PAGE.type);
        expect(response.headers.get("cache-control")).to.equal("no-cache");
      }
    });

    it("should let files with a hash in their names be kept, and say of others that there are none", async () => {
      const response = await fetch(`${url}/assets/a.js`, { headers: { "accept-encoding": "identity" } });
      expect(await response.text()).to.equal("run()");
      expect(response.headers.get("cache-control")).to.contain("immutable");
      expect((await fetch(`${url}/assets/b.js`)).status).to.equal(404);
      expect((await fetch(`${url}/%2e%2e/package.json`)).status).to.equal(404);
    });

    it("should answer 304 to who has it", async () => {
      const headers = { "if-none-match": SCRIPT.etag };
      expect((await fetch(`${url}/assets/a.js`, { headers })).status).to.equal(304);
    });

    it("should allow scripts, styles and connections of its own origin only, and no frames around it", async () => {
      const { headers } = await fetch(url);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).to.contain("default-src 'none'").and.to.contain("script-src 'self';");
      expect(policy).to.contain("frame-ancestors 'none'").and.to.contain("connect-src 'self'");
      expect(policy).to.contain("require-trusted-types-for 'script'");
      expect(policy).to.not.match(/unsafe|https?:|\*/);
      expect(headers.get("x-content-type-options")).to.equal("nosniff");
      expect(headers.get("referrer-policy")).to.equal("no-referrer");
      expect(headers.get("cross-origin-resource-policy")).to.equal("same-origin");
    });

    it("should refuse to be asked by another name, whatever is asked for", async () => {
      for (const path of ["/", "/assets/a.js", "/events?topics=status"]) {
        expect(await askAs("evil.example", path), path).to.equal(421);
        expect(await askAs("127.0.0.1.evil.example:80", path), path).to.equal(421);
      }
      for (const host of ["localhost:1", "127.0.0.1", "[::1]:80", "DASH.example:8080"]) {
        expect(await askAs(host), host).to.equal(200);
      }
    });

    it("should take nothing", async () => {
      expect((await fetch(`${url}/events?topics=status`, { method: "POST" })).status).to.equal(404);
    });
  });

  describe("as a server of events", () => {
    it("should send each topic as it is, and again only when it has changed", async () => {
      const reader = await follow("status,market");
      await until(() => reader.events.length === 2);
      feed.refresh();
      await until(() => reads === 4);
      views.market = { workers: 1 };
      feed.refresh();
      await until(() => reader.events.length === 3);
      expect(reader.events.map(({ data }) => data)).to.have.deep.members([
        { topic: "status", view: { block: 1, id: "" } },
        { topic: "market", view: { workers: 0, id: "" } },
        { topic: "market", view: { workers: 1, id: "" } },
      ]);
    });

    it("should read a topic once for all who follow it, and not at all when nobody does", async () => {
      const one = await follow("worker/7");
      await until(() => one.events.length === 1);
      const other = await follow("worker/7");
      await until(() => other.events.length === 1);
      const before = reads;
      feed.refresh();
      await until(() => reads === before + 1);
      one.close();
      other.close();
      await until(() => feed.readers === 0);
      const after = reads;
      feed.refresh();
      expect(reads).to.equal(after);
    });

    it("should tell why a topic has no view", async () => {
      const reader = await follow("agreement/lost");
      await until(() => reader.events.length === 1);
      const problem = { code: "INVALID_INPUT", message: "there is none" };
      expect(reader.events[0]?.data).to.deep.equal({ topic: "agreement/lost", problem });
    });

    it("should go on from the last event that a reader has seen", async () => {
      const kept = await follow("status,market");
      const first = await follow("status,market");
      await until(() => first.events.length === 2 && kept.events.length === 2);
      first.close();
      views.market = { workers: 2 };
      feed.refresh();
      await until(() => kept.events.length === 3);
      const again = await follow("status,market", { "last-event-id": first.events[1]?.id ?? "" });
      await until(() => again.comments.length > 0);
      expect(again.events.map(({ data }) => data)).to.deep.equal([{ topic: "market", view: { workers: 2, id: "" } }]);
    });

    it("should send everything to who comes with the number of another process", async () => {
      const kept = await follow("market");
      await until(() => kept.events.length === 1);
      const other = await follow("market", { "last-event-id": "zzz-999999" });
      await until(() => other.events.length === 1);
    });

    it("should send a line now and then when nothing changes", async () => {
      const reader = await follow("status");
      await until(() => reader.comments.length >= 2);
      expect(reader.events).to.have.length(1);
    });

    it("should drop a reader that takes nothing, and serve the others meanwhile", async () => {
      // Larger than what the system keeps for a connection.
      const text = "x".repeat(4_000_000);
      const slow = await follow("market");
      const quick = await follow("status");
      await until(() => slow.events.length === 1);
      slow.pause();
      let block = 1;
      await until(() => {
        block++;
        views.market = { text: `${text}${block}` };
        views.status = { block };
        feed.refresh();
        return feed.readers === 1;
      });
      await until(() => quick.events.length > 1);
      expect(quick.isEnded).to.equal(false);
    });

    it("should keep no more of what a reader has not taken than the newest of each topic", async () => {
      const patient = patientFeed();
      const reader = patient.open(["market"]).getReader();
      const next = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
      expect(await next()).to.match(/^retry: \d+\n\n$/);
      expect(await next()).to.contain('"workers":0');
      for (let workers = 1; workers <= 100; workers++) {
        views.market = { workers };
        const before = reads;
        patient.refresh();
        await until(() => reads > before);
      }
      await until(() => reads >= 101);
      const seen = [await next(), await next()].join("");
      expect(seen).to.contain('"workers":100');
      expect(seen.match(/data:/g)).to.have.length(1);
      await reader.cancel();
      expect(patient.readers).to.equal(0);
    });

    it("should send the older of two changes first, so that its number says what was seen", async () => {
      const patient = patientFeed();
      const [slow, quick] = [patient.open(["status", "market"]), patient.open(["status", "market"])];
      const reader = slow.getReader();
      const next = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
      await next();
      await next();
      await next();
      let shown = "";
      const collecting = quick.pipeTo(
        new WritableStream({
          write(chunk) {
            shown += new TextDecoder().decode(chunk);
          },
        }),
      );
      for (const changed of [{ status: { block: 2 } }, { market: { workers: 1 } }, { status: { block: 3 } }]) {
        Object.assign(views, changed);
        patient.refresh();
        await until(() => shown.includes(JSON.stringify(Object.values(changed)[0]).slice(1, -1)));
      }
      expect(await next()).to.contain('"workers":1');
      expect(await next()).to.contain('"block":3');
      patient.close();
      await collecting;
    });

    it("should refuse more readers than it has room for", async () => {
      const open = await Promise.all(Array.from({ length: 64 }, async () => await follow("status")));
      expect(open.every(({ status }) => status === 200)).to.equal(true);
      const refused = await fetch(`${url}/events?topics=status`);
      expect(refused.status).to.equal(503);
      expect(await refused.json()).to.have.nested.property("error.code", "DASHBOARD_BUSY");
      open[0]?.close();
      await until(() => feed.readers === 63);
      expect((await follow("status")).status).to.equal(200);
    });

    it("should refuse topics that there are none of", async () => {
      const topics = ["", "nothing", "constructor", "__proto__", "worker/../1", `worker/${"9".repeat(101)}`];
      for (const topic of [
        ...topics,
        Array(9)
          .fill("status")
          .map((kind, id) => `${kind}/${id}`)
          .join(),
      ]) {
        const response = await fetch(`${url}/events?topics=${encodeURIComponent(topic)}`);
        expect(response.status, topic).to.equal(400);
        expect(await response.json()).to.have.nested.property("error.code", "INVALID_INPUT");
      }
      expect(feed.readers).to.equal(0);
    });

    it("should end all streams when it is closed", async () => {
      const reader = await follow("status");
      await until(() => reader.events.length === 1);
      feed.close();
      await until(() => reader.isEnded);
    });
  });

  describe("with a source that says by itself when there is news", () => {
    it("should send each of its views, from one source to all who read it", async () => {
      const readers = [await follow("channel/7"), await follow("channel/7,status")];
      for (const reader of readers) {
        await until(() => reader.events.some(({ data }) => isView(data, { id: "7", count: 3 })));
      }
      expect(pushing.views).to.deep.equal(["7"]);
    });

    it("should leave it some time after the last reader has, and begin anew for the next", async () => {
      const first = await follow("channel/7");
      await until(() => first.events.some(({ data }) => isView(data, { id: "7", count: 3 })));
      first.close();
      await until(() => pushing.ends.length === 1);
      await follow("channel/7");
      await until(() => pushing.views.length === 2);
    });

    it("should say why there is nothing", async () => {
      const reader = await follow("channel/lost");
      await until(() => reader.events.length > 0);
      expect(reader.events[0]?.data).to.deep.include({
        problem: { code: "CHANNEL_UNKNOWN", message: "there is none" },
      });
    });
  });
});

function isView(data: unknown, view: object): boolean {
  return JSON.stringify((data as { readonly view?: unknown }).view) === JSON.stringify(view);
}
