import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile, chmod } from "node:fs/promises";
import { join } from "node:path";

import { encode } from "@ipld/dag-cbor";
import { expect } from "chai";
import fc from "fast-check";
import { CID } from "multiformats/cid";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createKuboContentStore } from "../../../../src/adapters/content-store/kubo/kubo.ts";
import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import type { Store } from "../../../../src/ports/store.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { contentStoreCompliance, readAll } from "../../../compliance/content-store.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { kuboAbsent, startKubo, type KuboDaemon } from "../../../helpers/kubo.ts";
import { describeWithPart } from "../../../helpers/require-parts.ts";

const MIB = 1024 * 1024;
const limit = { maxBytes: 32 * MIB };

describeWithPart("kubo", kuboAbsent(), "kubo content store", () => {
  let one: KuboDaemon;
  let two: KuboDaemon;

  before(async function () {
    this.timeout(120_000);
    [one, two] = await Promise.all([startKubo(), startKubo()]);
    const { Addresses: addresses } = JSON.parse(await one.rpc("id")) as { Addresses: string[] };
    await two.rpc("swarm/connect", { arg: addresses[0] ?? "" });
  });
  after(async () => {
    await one?.remove();
    await two?.remove();
  });

  const storeOn = (
    { url }: KuboDaemon,
    init: { store?: Store; commandTimeoutMs?: number; maxFileBytes?: number } = {},
  ) =>
    createKuboContentStore({
      url,
      store: init.store ?? createMemoryStore(),
      maxFileBytes: init.maxFileBytes ?? 20 * MIB,
      ...(init.commandTimeoutMs === undefined ? {} : { commandTimeoutMs: init.commandTimeoutMs }),
      clock: systemClock,
      logger: createMemoryLogger(),
    });
  const started = async (daemon: KuboDaemon, init?: Parameters<typeof storeOn>[1]): Promise<CollectingContentStore> => {
    const store = storeOn(daemon, init);
    await store.start();
    return store;
  };

  contentStoreCompliance("kubo, over its RPC API", async () => {
    const [a, b] = await Promise.all([started(one), started(two)]);
    return {
      a,
      b,
      async close() {
        await Promise.all([a.stop(), b.stop()]);
        // A store that starts with no counts takes all earlier pins away.
        for (const daemon of [one, two]) {
          const cleaner = await started(daemon);
          await cleaner.collect();
          await cleaner.stop();
        }
      },
    };
  });

  it("gives every file the CID that Helia gives it, around the borders of chunks and of nodes", async function () {
    this.timeout(60_000);
    const maxFileBytes = 2_000 * MIB;
    const kubo = await started(one, { maxFileBytes });
    const helia = createMemoryContentStore({ maxFileBytes, clock: systemClock, logger: createMemoryLogger() });
    await helia.start();
    const same = async (bytes: Uint8Array): Promise<void> => {
      expect(await kubo.putFile(bytes), `${bytes.length} bytes`).to.equal(await helia.putFile(bytes));
    };
    try {
      const border = fc.record({ chunks: fc.integer({ min: 0, max: 5 }), beside: fc.integer({ min: -3, max: 3 }) });
      await fc.assert(
        fc.asyncProperty(border, fc.nat(255), async ({ chunks, beside }, fill) => {
          await same(new Uint8Array(Math.max(0, chunks * MIB + beside)).fill(fill));
        }),
        { numRuns: 25 },
      );
      // One link more than a node holds.
      expect(await equalChunks(kubo, 1_025)).to.equal(await equalChunks(helia, 1_025));
    } finally {
      await kubo.stop();
      await helia.stop();
    }
  });

  it("gives records the same CIDs, and does not follow the links in them", async () => {
    const kubo = await started(one);
    const absent = CID.parse("bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy");
    const cid = await kubo.putRecord(encode({ link: absent }));
    await kubo.collect();
    expect(await kubo.has(cid)).to.equal(true);
    await kubo.unpin(cid);
    await kubo.collect();
    expect(await kubo.has(cid)).to.equal(false);
    await kubo.stop();
  });

  it("never hands over bytes that were changed on Kubo's disk", async () => {
    const kubo = await started(one);
    const cid = await kubo.putFile(new Uint8Array(randomBytes(100_000)));
    await tamper(one.directory);
    expect(await codeOf(readAll(kubo.get(cid, { ...limit, offline: true })))).to.equal("CONTENT_CORRUPT");
    expect(await codeOf(kubo.localBlock(cid))).to.equal("CONTENT_CORRUPT");
    await kubo.unpin(cid);
    await kubo.collect();
    await kubo.stop();
  });

  it("leaves alone what others pin in the same daemon", async () => {
    const theirs = (JSON.parse(await put(one, "theirs")) as { Hash: string }).Hash;
    const kubo = await started(one);
    await kubo.collect();
    expect(await kubo.has(theirs)).to.equal(true);
    await one.rpc("pin/rm", { arg: theirs });
    await kubo.collect();
    expect(await kubo.has(theirs)).to.equal(false);
    await kubo.stop();
  });

  it("takes away at its start what a crash left pinned but not counted, and keeps what was counted", async () => {
    const store = createMemoryStore();
    const before = await started(one, { store });
    const counted = await before.putFile(utf8("counted"));
    await before.stop();
    const uncounted = "pinned by a store that was killed before it could count";
    const left = (JSON.parse(await put(one, uncounted, { "pin-name": "sprf" })) as { Hash: string }).Hash;
    const again = await started(one, { store });
    await again.collect();
    expect([await again.has(counted), await again.has(left)]).to.deep.equal([true, false]);
    await again.stop();
  });

  it("waits for a daemon that comes back, and says so when none does", async function () {
    this.timeout(60_000);
    const lost = await startKubo();
    try {
      const store = createMemoryStore();
      const kubo = await started(lost, { store });
      const cid = await kubo.putFile(utf8("over a crash"));
      await lost.kill();
      const waiting = readAll(kubo.get(cid, { ...limit, offline: true }));
      await lost.restart();
      expect((await waiting).toString()).to.equal("over a crash");
      await lost.kill();
      const impatient = AbortSignal.timeout(300);
      expect(await codeOf(kubo.putRecord(encode(1), { signal: impatient }))).to.equal("KUBO_UNREACHABLE");
      await kubo.stop();
      expect(await codeOf(storeOn(lost, { store, commandTimeoutMs: 300 }).start())).to.equal("KUBO_UNREACHABLE");
    } finally {
      await lost.remove();
    }
  });
});

/** Adds a file as a stranger to our stores does. */
async function put(
  { url }: KuboDaemon,
  text: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<string> {
  const form = new FormData();
  form.set("file", new Blob([text]));
  const query = new URLSearchParams({ "cid-version": "1", ...parameters }).toString();
  return await (await fetch(`${url}/api/v0/add?${query}`, { method: "POST", body: form })).text();
}

/** Changes the last byte of every block on a daemon's disk that is larger than 1 KiB. */
async function tamper(directory: string): Promise<void> {
  const files = await readdir(join(directory, "blocks"), { recursive: true, withFileTypes: true });
  for (const file of files.filter(({ name }) => name.endsWith(".data"))) {
    const path = join(file.parentPath, file.name);
    const bytes = await readFile(path);
    if (bytes.length < 1_024) continue;
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    await chmod(path, 0o600);
    await writeFile(path, bytes);
  }
}

/** A file of `count` equal chunks: many links, little to store. */
async function equalChunks(store: CollectingContentStore, count: number): Promise<string> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const chunk = new Uint8Array(MIB);
    for (let at = 0; at < count; at++) yield chunk;
  }
  return await store.putFile(chunks());
}
