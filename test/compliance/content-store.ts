import { randomBytes } from "node:crypto";

import { encode } from "@ipld/dag-cbor";
import { expect } from "chai";

import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { recordCidOf } from "../../src/wire/canonical.ts";
import { codeOf } from "../helpers/code-of.ts";
import { directoryCompliance } from "./content-directories.ts";

const MIB = 1024 * 1024;
const HELLO = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
/** The CID of some bytes that nobody has. */
const ABSENT = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

/** Two started stores that can reach each other; files over 20 MiB are too large for both. */
export interface ContentStoreFixture {
  readonly a: CollectingContentStore;
  readonly b: CollectingContentStore;
  close(): Promise<void>;
}

/** All of a file or record. */
export async function readAll(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

/** What every implementation of the port must do. */
export function contentStoreCompliance(name: string, setUp: () => Promise<ContentStoreFixture>): void {
  describe(`content store port: ${name}`, () => {
    let f: ContentStoreFixture;
    const limit = { maxBytes: 32 * MIB };

    beforeEach(async () => {
      f = await setUp();
    });
    afterEach(async () => {
      await f.close();
    });

    it("gives a file the CID of the profile unixfs-v1-2025", async () => {
      expect(await f.a.putFile(utf8("hello world"))).to.equal(HELLO);
      expect(await f.a.putFile(utf8("hello world"))).to.equal(HELLO);
      expect((await readAll(f.a.get(HELLO, limit))).toString()).to.equal("hello world");
      expect(await f.a.putFile(new Uint8Array(0))).to.equal(
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
      );
    });

    it("gives the same CID however the bytes are cut", async () => {
      const bytes = new Uint8Array(randomBytes(3 * MIB + 17));
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += 77_777) yield bytes.subarray(at, at + 77_777);
      }
      expect(await f.a.putFile(pieces())).to.equal(await f.b.putFile(bytes));
    });

    it("fetches from the other what it does not have, 16 MiB as well, and then has all of it", async () => {
      const bytes = randomBytes(16 * MIB);
      const cid = await f.a.putFile(new Uint8Array(bytes));
      expect(await f.b.has(cid)).to.equal(false);
      expect(bytes.equals(await readAll(f.b.get(cid, limit)))).to.equal(true);
      expect(await f.b.has(cid)).to.equal(true);
    });

    it("keeps records: canonical dag-cbor, one block", async () => {
      const block = encode({ kind: "test", list: [1, 2, 3] });
      const cid = await f.a.putRecord(block);
      expect(cid).to.equal(recordCidOf(block));
      expect(new Uint8Array(await readAll(f.b.get(cid, limit)))).to.deep.equal(block);
    });

    it("refuses records that are not canonical, or too large", async () => {
      expect(await codeOf(f.a.putRecord(new Uint8Array([0xbf, 0xff])))).to.equal("INVALID_INPUT");
      expect(await codeOf(f.a.putRecord(utf8("this is not cbor")))).to.equal("INVALID_INPUT");
      expect(await codeOf(f.a.putRecord(encode(new Uint8Array(MIB))))).to.equal("CONTENT_TOO_LARGE");
    });

    it("says what is missing, and nothing else than that", async () => {
      const signal = AbortSignal.timeout(200);
      expect(await codeOf(readAll(f.a.get(ABSENT, { ...limit, signal })))).to.equal("CONTENT_NOT_FOUND");
      expect(await codeOf(readAll(f.a.get(ABSENT, { ...limit, offline: true })))).to.equal("CONTENT_NOT_FOUND");
      expect(await codeOf(f.a.pin(ABSENT, { signal: AbortSignal.timeout(200) }))).to.equal("CONTENT_NOT_FOUND");
      expect(await f.a.has(ABSENT)).to.equal(false);
    });

    it("does not ask the other when told to stay offline", async () => {
      const cid = await f.a.putFile(utf8("only here"));
      expect(await codeOf(readAll(f.b.get(cid, { ...limit, offline: true })))).to.equal("CONTENT_NOT_FOUND");
    });

    it("refuses what is no CID", async () => {
      const v0 = "QmT5NvUtoM5nWFfrQdVrFtvGfKFmG7AHE8P34isapyhCxX";
      for (const cid of ["", "hello", v0, HELLO.toUpperCase(), `${HELLO}a`, "bafkqabtimvwgy3yk"]) {
        expect(await codeOf(readAll(f.a.get(cid, limit))), cid).to.equal("INVALID_INPUT");
        expect(await codeOf(f.a.pin(cid)), cid).to.equal("INVALID_INPUT");
        expect(await codeOf(f.a.has(cid)), cid).to.equal("INVALID_INPUT");
      }
    });

    it("stops at the size that the reader bears", async () => {
      const cid = await f.a.putFile(new Uint8Array(2 * MIB + 1));
      expect(await codeOf(readAll(f.b.get(cid, { maxBytes: 2 * MIB })))).to.equal("CONTENT_TOO_LARGE");
      expect(await readAll(f.b.get(cid, { maxBytes: 2 * MIB + 1 }))).to.have.length(2 * MIB + 1);
      const record = await f.a.putRecord(encode({ text: "x".repeat(100) }));
      expect(await codeOf(readAll(f.a.get(record, { maxBytes: 100 })))).to.equal("CONTENT_TOO_LARGE");
    });

    it("neither stores nor pins a file that is too large for it", async () => {
      expect(await codeOf(f.a.putFile(new Uint8Array(21 * MIB)))).to.equal("CONTENT_TOO_LARGE");
      await f.a.collect();
      expect((await f.a.collect()).kept).to.equal(0);
    });

    it("stops when aborted", async () => {
      const aborted = { signal: AbortSignal.abort() };
      expect(await codeOf(f.a.putFile(utf8("x"), aborted))).to.equal("ABORTED");
      expect(await codeOf(f.a.putRecord(encode(1), aborted))).to.equal("ABORTED");
      expect(await codeOf(readAll(f.a.get(HELLO, { ...limit, ...aborted })))).to.equal("ABORTED");
      expect(await codeOf(f.a.has(HELLO, aborted))).to.equal("ABORTED");
      expect(await codeOf(f.a.pin(HELLO, aborted))).to.equal("ABORTED");
      expect(await codeOf(f.a.unpin(HELLO, aborted))).to.equal("ABORTED");
    });

    it("keeps what is pinned as often as it is pinned, and frees the rest", async () => {
      const bytes = new Uint8Array(randomBytes(2 * MIB));
      const cid = await f.a.putFile(bytes);
      await f.a.putFile(bytes);
      await f.a.pin(cid);
      for (const left of [2, 1]) {
        await f.a.unpin(cid);
        await f.a.collect();
        expect(await f.a.has(cid), `${left} pins left`).to.equal(true);
      }
      await f.a.unpin(cid);
      expect((await f.a.collect()).removed).to.equal(3);
      expect(await f.a.has(cid)).to.equal(false);
      await f.a.unpin(cid);
      await f.a.unpin(ABSENT);
    });

    it("keeps for a holder once, however often it pins, and tells who holds what", async () => {
      const [one, two] = await Promise.all([f.a.putFile(utf8("one"), { holder: "x/1" }), f.a.putFile(utf8("two"))]);
      await f.a.pin(one, { holder: "x/1" });
      await f.a.pin(one, { holder: "x/2" });
      await f.a.putRecord(encode("three"), { holder: "y" });
      const held = [];
      for await (const entry of f.a.held("x/")) held.push(entry);
      expect(held).to.deep.equal([
        { holder: "x/1", cid: one },
        { holder: "x/2", cid: one },
      ]);
      await f.a.unpin(one, { holder: "x/1" });
      await f.a.unpin(one, { holder: "x/1" });
      await f.a.unpin(two, { holder: "x/1" });
      // Nothing that only holders keep is let go of without one.
      await f.a.unpin(one);
      await f.a.collect();
      expect([await f.a.has(one), await f.a.has(two)]).to.deep.equal([true, true]);
      await f.a.unpin(one, { holder: "x/2" });
      await f.a.collect();
      expect([await f.a.has(one), await f.a.has(two)]).to.deep.equal([false, true]);
      for (const holder of ["", "a b", "x".repeat(201), "é"]) {
        expect(await codeOf(f.a.pin(two, { holder })), holder).to.equal("INVALID_INPUT");
      }
    });

    it("frees all of a file in which one block occurs many times, and keeps blocks that files share", async () => {
      const zeros = await f.a.putFile(new Uint8Array(4 * MIB));
      const shared = await f.a.putFile(new Uint8Array(3 * MIB));
      await f.a.unpin(zeros);
      await f.a.collect();
      expect([await f.a.has(zeros), await f.a.has(shared)]).to.deep.equal([false, true]);
      await f.a.unpin(shared);
      await f.a.collect();
      expect((await f.a.collect()).kept).to.equal(0);
    });

    it("fetches what it pins and keeps it; what it only read goes", async () => {
      const pinned = await f.a.putFile(new Uint8Array(randomBytes(2 * MIB)));
      const read = await f.a.putFile(new Uint8Array(randomBytes(2 * MIB)));
      await f.b.pin(pinned);
      await readAll(f.b.get(read, limit));
      await f.b.collect();
      expect([await f.b.has(pinned), await f.b.has(read)]).to.deep.equal([true, false]);
    });

    it("loses nothing that is stored or pinned while space is freed", async () => {
      const files = Array.from({ length: 12 }, () => new Uint8Array(randomBytes(MIB + 5)));
      const fromA = await Promise.all(files.slice(0, 6).map(async (bytes) => await f.a.putFile(bytes)));
      let busy = true;
      const sweeping = (async () => {
        while (busy) await f.b.collect();
      })();
      const stored = await Promise.all(files.slice(6).map(async (bytes) => await f.b.putFile(bytes)));
      await Promise.all(fromA.map(async (cid) => await f.b.pin(cid)));
      busy = false;
      await sweeping;
      await f.b.collect();
      for (const cid of [...stored, ...fromA]) expect(await f.b.has(cid)).to.equal(true);
    });

    directoryCompliance(() => f);

    it("may be started and stopped twice, and does nothing after that", async () => {
      await f.a.start();
      await f.a.stop();
      await f.a.stop();
      expect(await codeOf(f.a.putFile(utf8("x")))).to.equal("ABORTED");
    });
  });
}
