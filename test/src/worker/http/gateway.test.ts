import { randomBytes } from "node:crypto";

import { encode } from "@ipld/dag-cbor";
import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { readCar } from "../../../../src/adapters/content-store/car.ts";
import { linksOf, matches, parseCid } from "../../../../src/adapters/content-store/cid.ts";
import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createStreamSlots } from "../../../../src/worker/http/guarded-stream.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { startGateway, type GatewayServer } from "../../../helpers/gateway-server.ts";
import { createManualClock } from "../../../helpers/manual-clock.ts";

const MIB = 1024 * 1024;
const ABSENT = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const RAW = "application/vnd.ipld.raw";
const CAR = "application/vnd.ipld.car";

describe("the worker's trustless gateway", () => {
  let content: CollectingContentStore;
  let server: GatewayServer;
  let file: string;
  let record: string;
  const fileBytes = new Uint8Array(randomBytes(3 * MIB + 5));

  before(async () => {
    content = createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() });
    await content.start();
    file = await content.putFile(fileBytes);
    record = await content.putRecord(encode({ kind: "test" }));
    server = await startGateway(content);
  });
  after(async () => {
    await server.close();
    await content.stop();
  });

  const ask = async (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
    await fetch(`${server.url}/ipfs/${path}`, { headers, method });
  const blocksOf = async (response: Response): Promise<string[]> => {
    const cids: string[] = [];
    for await (const { cid, bytes } of readCar(response.body as AsyncIterable<Uint8Array>)) {
      expect(matches(cid, bytes)).to.equal(true);
      cids.push(cid.toString());
    }
    return cids;
  };

  it("should hand over one block, by query and by Accept header, with what a cache needs", async () => {
    for (const response of [await ask(`${record}?format=raw`), await ask(record, { accept: `${RAW}, */*;q=0.1` })]) {
      expect(response.status).to.equal(200);
      expect(response.headers.get("content-type")).to.equal(RAW);
      expect(response.headers.get("etag")).to.equal(`"${record}.raw"`);
      expect(response.headers.get("cache-control")).to.contain("immutable");
      expect(response.headers.get("content-disposition")).to.equal(`attachment; filename="${record}.bin"`);
      expect(response.headers.get("x-content-type-options")).to.equal("nosniff");
      expect(new Uint8Array(await response.arrayBuffer())).to.deep.equal(encode({ kind: "test" }));
    }
    expect((await ask(record, { accept: RAW })).headers.get("content-location")).to.equal(`/ipfs/${record}?format=raw`);
  });

  it("should hand over a file as a CAR: its root first, every block once, in order", async () => {
    const root = (await content.localBlock(file)) ?? new Uint8Array(0);
    const wanted = [file, ...linksOf(parseCid(file), root).map(String)];
    for (const response of [await ask(`${file}?format=car`), await ask(file, { accept: `${CAR}; version=1` })]) {
      expect(response.status).to.equal(200);
      expect(response.headers.get("content-type")).to.equal(`${CAR}; version=1; order=dfs; dups=n`);
      expect(response.headers.get("etag")).to.match(/^W\/"all\./);
      expect(await blocksOf(response)).to.deep.equal(wanted);
    }
    expect(await blocksOf(await ask(`${file}?format=car&dag-scope=entity`))).to.deep.equal(wanted);
    expect(await blocksOf(await ask(`${file}?format=car&dag-scope=block`))).to.deep.equal([file]);
    expect(await blocksOf(await ask(`${record}?format=car`))).to.deep.equal([record]);
    expect(await blocksOf(await ask(`${file}?format=car`, { accept: RAW })), "format comes first").to.have.length(5);
  });

  it("should send a block that occurs many times once", async () => {
    const zeros = await content.putFile(new Uint8Array(4 * MIB));
    expect(await blocksOf(await ask(`${zeros}?format=car`))).to.have.length(2);
  });

  it("should answer HEAD as GET, without a body", async () => {
    const raw = await ask(`${file}?format=raw`, {}, "HEAD");
    expect([raw.status, raw.headers.get("content-type"), (await raw.arrayBuffer()).byteLength]).to.deep.equal([
      200,
      RAW,
      0,
    ]);
    const car = await ask(`${file}?format=car`, {}, "HEAD");
    expect([car.status, (await car.arrayBuffer()).byteLength]).to.deep.equal([200, 0]);
    expect((await ask(`${ABSENT}?format=car`, {}, "HEAD")).status).to.equal(404);
  });

  it("should say that the sender has it already", async () => {
    const tag = `"${file}.raw"`;
    for (const header of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
      const response = await ask(`${file}?format=raw`, { "if-none-match": header });
      expect(response.status, header).to.equal(304);
      expect(response.headers.get("etag")).to.equal(tag);
    }
    expect((await ask(`${file}?format=raw`, { "if-none-match": '"other"' })).status).to.equal(200);
    expect((await ask(`${ABSENT}?format=raw`, { "if-none-match": "*" })).status).to.equal(404);
    const car = await ask(`${file}?format=car&dag-scope=block`, { "if-none-match": `W/"all.${file}.car"` });
    expect(car.status, "another scope is another thing").to.equal(200);
    await car.body?.cancel();
  });

  it("should tell what is not here from what makes no sense", async () => {
    const statusOf = async (path: string, headers?: Record<string, string>): Promise<number> =>
      (await ask(path, headers)).status;
    expect(await statusOf(`${ABSENT}?format=raw`)).to.equal(404);
    expect(await statusOf(`${ABSENT}?format=car`)).to.equal(404);
    expect(await statusOf(`${ABSENT}?format=raw`, { "cache-control": "only-if-cached" })).to.equal(412);
    const nonsense = [
      file,
      `${file}?format=json`,
      `${file}?format=car&dag-scope=some`,
      `${file}?format=car&entity-bytes=3:9`,
      `${file}?format=car&car-version=2`,
      "nonsense?format=raw",
      "QmT5NvUtoM5nWFfrQdVrFtvGfKFmG7AHE8P34isapyhCxX?format=raw",
      "bafkqabtimvwgy3yk?format=raw",
    ];
    for (const path of nonsense) expect(await statusOf(path), path).to.equal(400);
    expect(await statusOf(file, { accept: "text/html" })).to.equal(400);
    expect(await statusOf(`${file}?format=car&entity-bytes=0:*`)).to.equal(200);
  });

  it("should answer the probe by which clients find gateways", async () => {
    const response = await ask("bafkqaaa?format=raw");
    expect([response.status, (await response.arrayBuffer()).byteLength]).to.deep.equal([200, 0]);
  });

  it("should break off a CAR at a block that is not here", async () => {
    const root = (await content.localBlock(file)) ?? new Uint8Array(0);
    const only = await startGateway({ localBlock: async (cid) => (cid === file ? root : undefined) });
    try {
      const response = await fetch(`${only.url}/ipfs/${file}?format=car`);
      expect(response.status).to.equal(200);
      const outcome = await blocksOf(response).then(
        (cids) => `ended as if whole after ${cids.length}`,
        () => "broken off",
      );
      expect(outcome).to.equal("broken off");
    } finally {
      await only.close();
    }
  });
});

describe("stream slots", () => {
  async function* endless(onEnd: () => void): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield new Uint8Array(10);
    } finally {
      onEnd();
    }
  }

  it("should let no more streams be open than there are slots, and free those that are read to the end or left", async () => {
    const slots = createStreamSlots({ clock: createManualClock() }, { maxOpen: 1, idleMs: 1_000 });
    let ended = 0;
    const first = slots.open(endless(() => (ended += 1)));
    const reader = first.getReader();
    await reader.read();
    expect(await codeOf(Promise.resolve().then(() => slots.open(endless(() => undefined))))).to.equal("WORKER_BUSY");
    await reader.cancel();
    expect(ended).to.equal(1);
    async function* short(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3);
    }
    expect(await new Response(slots.open(short())).arrayBuffer()).to.have.property("byteLength", 3);
    await slots.open(endless(() => undefined)).cancel();
  });

  it("should close a stream from which nothing is taken", async () => {
    const clock = createManualClock();
    const slots = createStreamSlots({ clock }, { maxOpen: 1, idleMs: 1_000 });
    let ended = 0;
    const reader = slots.open(endless(() => (ended += 1))).getReader();
    await reader.read();
    await clock.advance(999);
    await reader.read();
    await clock.advance(1_001);
    expect(await codeOf(reader.read())).to.equal("TIMEOUT");
    expect(ended).to.equal(1);
    await slots.open(endless(() => undefined)).cancel();
  });
});
