import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import type { BlockSource } from "../../../../src/adapters/content-store/block-source.ts";
import { createGatewayBook, type RatedGateways } from "../../../../src/adapters/content-store/gateway-book.ts";
import { withGateways } from "../../../../src/adapters/content-store/gateway-first.ts";
import { createLocalBlocks } from "../../../../src/adapters/content-store/local-blocks.ts";
import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import { createMemoryBlocks } from "../../../../src/adapters/content-store/raw-blocks.ts";
import {
  createUnixfsContentStore,
  type CollectingContentStore,
} from "../../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { SprfError } from "../../../../src/errors.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { readAll } from "../../../compliance/content-store.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { sampleBytes } from "../../../helpers/content-process.ts";
import { startGateway, type GatewayServer } from "../../../helpers/gateway-server.ts";
import { createManualClock } from "../../../helpers/manual-clock.ts";

const MIB = 1024 * 1024;
/** Back-off must not end while a test looks at it. */
const standing = createManualClock();
const limit = { maxBytes: 32 * MIB };

describe("content over other workers' gateways", () => {
  const closers: (() => Promise<void>)[] = [];
  let origin: CollectingContentStore;
  let book: RatedGateways;
  let asked: string[];

  beforeEach(async () => {
    origin = createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() });
    await origin.start();
    closers.push(async () => await origin.stop());
    book = createGatewayBook({ clock: standing });
    asked = [];
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
  });

  /** What stands for bitswap: peers that have all that the origin has, and tell what they are asked. */
  const peers = (has = true): BlockSource => ({
    async start() {},
    async stop() {},
    async announce() {},
    async fetch(cid) {
      asked.push(cid.toString());
      const bytes = has ? await origin.localBlock(cid.toString()) : undefined;
      if (bytes === undefined) throw new SprfError("CONTENT_NOT_FOUND", "the peers do not have it");
      return bytes;
    },
  });
  const reader = async (
    others = peers(),
    { maxFileBytes = 32 * MIB, patienceMs = 60_000 } = {},
  ): Promise<CollectingContentStore> => {
    const [logger, raw] = [createMemoryLogger(), createMemoryBlocks()];
    const store = createUnixfsContentStore({
      raw,
      blocks: createLocalBlocks(raw, logger),
      source: withGateways(book, { peers: others, patienceMs, clock: systemClock, logger }),
      store: createMemoryStore(),
      maxFileBytes,
      collectIntervalMs: 600_000,
      clock: systemClock,
      logger,
    });
    await store.start();
    closers.push(async () => await store.stop());
    return store;
  };
  const gateway = async (change?: Parameters<typeof startGateway>[1]): Promise<GatewayServer> => {
    const server = await startGateway(origin, change);
    closers.push(async () => await server.close());
    book.add([server.url]);
    return server;
  };

  it("should bring a large file in one stream, and ask no peer", async () => {
    const server = await gateway();
    const store = await reader();
    const bytes = sampleBytes("large", 9 * MIB + 3);
    const cid = await origin.putFile(bytes);
    expect(Buffer.compare(await readAll(store.get(cid, limit)), bytes)).to.equal(0);
    expect(server.requests).to.deep.equal([`/ipfs/${cid}?format=raw`, `/ipfs/${cid}?format=car&dag-scope=all`]);
    expect(asked).to.deep.equal([]);
    expect(await store.has(cid)).to.equal(true);
  });

  it("should ask only for the blocks that changed when most are here", async () => {
    const server = await gateway();
    const store = await reader();
    const bytes = sampleBytes("changing", 8 * MIB);
    await store.pin(await origin.putFile(bytes));
    bytes[5 * MIB] = (bytes[5 * MIB] ?? 0) ^ 1;
    const before = server.requests.length;
    const changed = await origin.putFile(bytes);
    await store.pin(changed);
    expect(server.requests.slice(before).filter((path) => path.includes("format=car"))).to.deep.equal([]);
    expect(server.requests.length - before).to.equal(2);
  });

  it("should keep to the size that is borne", async () => {
    await gateway();
    const store = await reader(peers(), { maxFileBytes: 4 * MIB });
    const cid = await origin.putFile(sampleBytes("too large", 5 * MIB));
    expect(await codeOf(store.pin(cid))).to.equal("CONTENT_TOO_LARGE");
    expect(await codeOf(readAll(store.get(cid, { maxBytes: 4 * MIB })))).to.equal("CONTENT_TOO_LARGE");
    expect(book.candidates(), "that is not the gateway's fault").to.have.length(1);
  });

  it("should drop a gateway that sends other bytes, and get the file from the peers", async () => {
    const lie = sampleBytes("a lie", 9 * MIB);
    const liar = createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() });
    await liar.start();
    const lieCid = await liar.putFile(lie);
    const elsewhere = await startGateway(liar);
    closers.push(
      async () => await liar.stop(),
      async () => await elsewhere.close(),
    );
    const bytes = sampleBytes("the truth", 9 * MIB);
    const cid = await origin.putFile(bytes);
    for (const lies of ["blocks", "streams"]) {
      book = createGatewayBook({ clock: standing });
      await gateway(async (response, { url }) => {
        const isBlock = url.includes("format=raw");
        if (isBlock) return lies === "blocks" ? new Response(utf8("wrong")) : response;
        return await fetch(`${elsewhere.url}/ipfs/${lieCid}?format=car`);
      });
      const store = await reader();
      expect(Buffer.compare(await readAll(store.get(cid, limit)), bytes), lies).to.equal(0);
      expect(await store.has(lieCid), "nothing of the lie is kept").to.equal(false);
      expect(book.candidates()).to.deep.equal([]);
    }
    expect(asked.length).to.be.greaterThan(9);
  });

  it("should go on with the peers when a stream breaks off or a gateway is gone, and leave it alone for a while", async () => {
    const bytes = sampleBytes("broken", 9 * MIB);
    const cid = await origin.putFile(bytes);
    await gateway((response, { url }) => {
      if (!url.includes("format=car") || response.body === null) return response;
      // Ends within a block, as if it were whole.
      let left = 3 * MIB;
      const breaking = new TransformStream<Uint8Array, Uint8Array>({
        transform(part, controller) {
          left -= part.length;
          if (left < 0) controller.terminate();
          else controller.enqueue(part);
        },
      });
      return new Response(response.body.pipeThrough(breaking), { headers: response.headers });
    });
    const store = await reader();
    expect(Buffer.compare(await readAll(store.get(cid, limit)), bytes)).to.equal(0);
    expect(asked.length).to.be.greaterThan(3).and.lessThan(9);

    book = createGatewayBook({ clock: standing });
    const gone = await startGateway(origin);
    book.add([gone.url]);
    await gone.close();
    asked = [];
    const another = await reader();
    expect(Buffer.compare(await readAll(another.get(cid, limit)), bytes)).to.equal(0);
    expect(book.candidates()).to.deep.equal([]);
  });

  it("should not be held up by a gateway that says nothing", async function () {
    this.timeout(30_000);
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    closers.push(async () => {
      silent.closeAllConnections();
      await new Promise((resolve) => silent.close(resolve));
    });
    book.add([`http://127.0.0.1:${(silent.address() as AddressInfo).port}`]);
    const store = await reader(peers(), { patienceMs: 200 });
    const cid = await origin.putFile(utf8("small"));
    expect((await readAll(store.get(cid, limit))).toString()).to.equal("small");
    expect(book.candidates()).to.deep.equal([]);
  });

  it("should stop at once when the reader gives up, and blame nobody", async () => {
    const cid = await origin.putFile(sampleBytes("abandoned", 9 * MIB));
    await gateway(async (response) => {
      await new Promise((resolve) => setImmediate(resolve));
      return response;
    });
    const store = await reader(peers(false));
    const stop = new AbortController();
    const reading = codeOf(readAll(store.get(cid, { ...limit, signal: stop.signal })));
    stop.abort();
    expect(await reading).to.equal("ABORTED");
    expect(book.candidates()).to.have.length(1);
  });

  it("should ask those who serve, and find what a gateway gets only later", async () => {
    const late = sampleBytes("late", 1_000);
    const server = await gateway();
    const hanging: BlockSource = {
      ...peers(),
      fetch: async (_cid, { signal }) =>
        await new Promise((_resolve, reject) =>
          signal?.addEventListener("abort", () => reject(new SprfError("CONTENT_NOT_FOUND", "given up"))),
        ),
    };
    const store = await reader(hanging);
    const elsewhere = createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() });
    await elsewhere.start();
    const cid = await elsewhere.putFile(late);
    await elsewhere.stop();
    const reading = readAll(store.get(cid, { ...limit, signal: AbortSignal.timeout(20_000) }));
    await origin.putFile(late);
    expect(await reading).to.have.length(1_000);
    expect(server.requests.length).to.be.greaterThan(0);
  });
});

describe("the book of gateways", () => {
  const [a, b, c] = ["http://a.example", "https://b.example/api", "http://c.example:8080"] as const;

  it("should put those first that served last, and leave alone those that failed, longer each time", async () => {
    const clock = createManualClock();
    const book = createGatewayBook({ clock });
    book.add([a, b, c]);
    book.served(b);
    expect(book.candidates()[0]).to.equal(b);
    book.failed(b);
    expect(book.candidates()).to.deep.equal([a, c]);
    await clock.advance(1_000);
    expect(book.candidates()).to.include(b);
    book.failed(b);
    await clock.advance(1_999);
    expect(book.candidates()).not.to.include(b);
    await clock.advance(1);
    expect(book.candidates()).to.include(b);
  });

  it("should never ask liars again, nor itself", () => {
    const book = createGatewayBook({ clock: createManualClock() });
    book.add([a, b]);
    book.exclude(`${c}/`);
    book.lied(a);
    book.add([a, c]);
    expect(book.candidates()).to.deep.equal([b]);
  });

  it("should take addresses only, each once, and not without end", () => {
    const book = createGatewayBook({ clock: createManualClock() });
    book.add([a, `${a}/`, "ftp://d.example", "file:///etc/passwd", "nonsense", "http://user@e.example", `${a}?x=1`]);
    expect(book.candidates()).to.deep.equal([a]);
    book.add(Array.from({ length: 1_000 }, (_, index) => `http://127.0.0.1:${index + 1}`));
    expect(book.candidates().length).to.equal(256);
  });
});
