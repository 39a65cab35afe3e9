import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { serveRawBlock } from "../../../../src/adapters/content-store/trustless-gateway.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { contentStoreCompliance, readAll } from "../../../compliance/content-store.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { sampleBytes, startContentProcess } from "../../../helpers/content-process.ts";
import { startHeliaNode } from "../../../helpers/helia-node.ts";
import type { HeliaNode } from "../../../helpers/helia-node.ts";
import { until } from "../../../helpers/until.ts";

const limit = { maxBytes: 32 * 1024 * 1024 };

contentStoreCompliance("helia, over bitswap and on disk", async () => {
  const directories = await Promise.all([0, 1].map(async () => await mkdtemp(join(tmpdir(), "sprf-content-"))));
  const a = await startHeliaNode("a", directories[0] ?? "", []);
  const b = await startHeliaNode("b", directories[1] ?? "", a.node.multiaddrs());
  await until(() => a.node.libp2p.getConnections().length > 0);
  return {
    a: a.content,
    b: b.content,
    async close() {
      await Promise.all([a.stop(), b.stop()]);
      await Promise.all(directories.map(async (directory) => await rm(directory, { recursive: true })));
    },
  };
});

describe("helia content store", () => {
  const open: HeliaNode[] = [];
  let directories: string[];

  beforeEach(async () => {
    directories = await Promise.all([0, 1, 2].map(async () => await mkdtemp(join(tmpdir(), "sprf-content-"))));
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map(async (node) => await node.stop()));
    await Promise.all(directories.map(async (directory) => await rm(directory, { recursive: true })));
  });

  const start = async (name: string, at: number, peers: readonly string[] = []): Promise<HeliaNode> => {
    const node = await startHeliaNode(name, directories[at] ?? "", peers);
    open.push(node);
    return node;
  };
  const stop = async (node: HeliaNode): Promise<void> => {
    open.splice(open.indexOf(node), 1);
    await node.stop();
  };
  /** Changes the last byte of every stored block that is larger than 1 KiB. */
  const tamper = async (at: number): Promise<void> => {
    const files = await readdir(join(directories[at] ?? "", "blocks"), { recursive: true, withFileTypes: true });
    for (const file of files.filter((entry) => entry.isFile())) {
      const path = join(file.parentPath, file.name);
      const bytes = await readFile(path);
      if (bytes.length < 1_024) continue;
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      await writeFile(path, bytes);
    }
  };

  it("never hands over, nor serves, bytes that were changed on disk", async () => {
    const a = await start("a", 0);
    const cid = await a.content.putFile(new Uint8Array(randomBytes(100_000)));
    await tamper(0);
    expect(await codeOf(readAll(a.content.get(cid, { ...limit, offline: true })))).to.equal("CONTENT_CORRUPT");
    const other = await a.content.putFile(new Uint8Array(randomBytes(100_000)));
    await tamper(0);
    expect(await serveRawBlock(a.content, other)).to.equal(undefined);
    expect(await a.content.has(other)).to.equal(false);
  });

  it("replaces a changed block by a peer's good one", async () => {
    const a = await start("a", 0);
    const b = await start("b", 1, a.node.multiaddrs());
    const bytes = randomBytes(3_000_000);
    const cid = await a.content.putFile(new Uint8Array(bytes));
    await b.content.pin(cid);
    await tamper(1);
    expect(bytes.equals(await readAll(b.content.get(cid, limit)))).to.equal(true);
    expect(bytes.equals(await readAll(b.content.get(cid, { ...limit, offline: true })))).to.equal(true);
  });

  it("keeps files and pins over a restart", async () => {
    const a = await start("a", 0);
    const kept = await a.content.putFile(utf8("kept"));
    const left = await a.content.putFile(utf8("left"));
    await a.content.unpin(left);
    await stop(a);
    const again = await start("a", 0);
    expect(await again.content.collect()).to.deep.equal({ kept: 1, removed: 1 });
    expect((await readAll(again.content.get(kept, { ...limit, offline: true }))).toString()).to.equal("kept");
  });

  it("gets a block that a peer receives only after it was asked, also after a first try that gave up", async () => {
    const a = await start("a", 0);
    const b = await start("b", 1, a.node.multiaddrs());
    const bytes = sampleBytes("late", 3_000_000);
    const elsewhere = await startHeliaNode("c", directories[2] ?? "", []);
    const cid = await elsewhere.content.putFile(bytes);
    await elsewhere.stop();
    const early = readAll(b.content.get(cid, { ...limit, signal: AbortSignal.timeout(300) }));
    expect(await codeOf(early)).to.equal("CONTENT_NOT_FOUND");
    const late = readAll(b.content.get(cid, { ...limit, signal: AbortSignal.timeout(10_000) }));
    expect(await a.content.putFile(bytes)).to.equal(cid);
    expect(await late).to.have.length(bytes.length);
  });

  it("lets one reader give up while another gets the same file", async () => {
    const a = await start("a", 0);
    const b = await start("b", 1);
    const cid = await a.content.putFile(sampleBytes("shared", 2_000_000));
    const first = codeOf(readAll(b.content.get(cid, { ...limit, signal: AbortSignal.timeout(200) })));
    const second = readAll(b.content.get(cid, { ...limit, signal: AbortSignal.timeout(10_000) }));
    expect(await first).to.equal("CONTENT_NOT_FOUND");
    await b.node.libp2p.dial(a.node.libp2p.getMultiaddrs());
    expect(await second).to.have.length(2_000_000);
  });

  it("ends reads that hang when it stops", async () => {
    const a = await start("a", 0);
    const absent = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
    const reading = codeOf(readAll(a.content.get(absent, limit)));
    await until(() => a.node.libp2p.status === "started");
    await stop(a);
    expect(await reading).to.equal("ABORTED");
  });

  it("serves one raw block to the trustless gateway, and says what is no CID", async () => {
    const a = await start("a", 0);
    const cid = await a.content.putFile(utf8("hello world"));
    expect(await serveRawBlock(a.content, cid)).to.deep.equal(utf8("hello world"));
    expect(await serveRawBlock(a.content, "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy")).to.equal(
      undefined,
    );
    expect(await codeOf(serveRawBlock(a.content, "../../etc/passwd"))).to.equal("INVALID_INPUT");
  });

  it("fetches 5 MiB from another process, and says so when that one is killed in between", async () => {
    const server = await startContentProcess("server", directories[0] ?? "", 5 * 1024 * 1024);
    try {
      const b = await start("b", 1, server.multiaddrs);
      const got = await readAll(b.content.get(server.cid, limit));
      expect(got.equals(sampleBytes("server", 5 * 1024 * 1024))).to.equal(true);
      await b.content.collect();
      await server.kill();
      const again = readAll(b.content.get(server.cid, { ...limit, signal: AbortSignal.timeout(500) }));
      expect(await codeOf(again)).to.equal("CONTENT_NOT_FOUND");
    } finally {
      await server.kill();
    }
  });
});
