import { randomBytes } from "node:crypto";

import { unixfs } from "@helia/unixfs";
import { encode, prepare } from "@ipld/dag-pb";
import { expect } from "chai";
import fc from "fast-check";
import { CID } from "multiformats/cid";

import type { CollectingContentStore } from "../../src/adapters/content-store/unixfs-content-store.ts";
import { listStoredDirectory } from "../../src/adapters/content-store/unixfs-directory.ts";
import {
  compareStateNames,
  MAX_DIRECTORY_ENTRIES,
  MAX_STATE_NAME_BYTES,
  stateName,
} from "../../src/domain/program/state-tree.ts";
import type { DirectoryEntry } from "../../src/ports/content-store.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { codeOf } from "../helpers/code-of.ts";

const MIB = 1024 * 1024;
/** The directory with nothing in it, as published for UnixFS. */
const EMPTY_DIRECTORY = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354";

interface Tree {
  readonly [name: string]: Tree | Uint8Array;
}

/** What every content store must do with directories. */
export function directoryCompliance(stores: () => { a: CollectingContentStore; b: CollectingContentStore }): void {
  describe("directories", () => {
    it("get the CIDs that the importer of UnixFS gives them, whatever is in them", async () => {
      const names = fc.string({ minLength: 1, maxLength: 12 }).filter((name) => stateName(utf8(name)) !== undefined);
      const trees = fc.letrec<{ tree: Tree }>((tie) => ({
        tree: fc.dictionary(
          names,
          fc.oneof({ depthSize: "small", withCrossShrink: true }, fc.uint8Array({ maxLength: 40 }), tie("tree")),
          { maxKeys: 4, noNullPrototype: true },
        ) as fc.Arbitrary<Tree>,
      })).tree;
      await fc.assert(
        fc.asyncProperty(trees, async (tree) => {
          const { cid } = await stores().a.putDirectory(entriesOf(tree));
          expect(cid).to.equal(await importedCid(tree));
          const listed = await stores().a.listDirectory(cid);
          expect(listed.map(({ path }) => path)).to.deep.equal(entriesOf(tree).map(({ path }) => path));
        }),
        { numRuns: 40 },
      );
    });

    it("may be empty, and hold large files", async () => {
      const { a, b } = stores();
      expect((await a.putDirectory([])).cid).to.equal(EMPTY_DIRECTORY);
      expect(await a.listDirectory(EMPTY_DIRECTORY)).to.deep.equal([]);
      const large = new Uint8Array(randomBytes(3 * MIB + 5));
      const tree = { "a large one": large, empty: {}, "no bytes": new Uint8Array() };
      const { cid, files } = await a.putDirectory(entriesOf(tree));
      expect(cid).to.equal(await importedCid(tree));
      expect(files.get("a large one")?.cid).to.equal(await a.putFile(large));
      const listed = await b.listDirectory(cid);
      expect(listed.map(({ path, kind }) => `${kind} ${path}`)).to.deep.equal([
        "file a large one",
        "directory empty",
        "file no bytes",
      ]);
      const parts: Uint8Array[] = [];
      for await (const part of b.get(listed[0]?.cid ?? "", { maxBytes: 4 * MIB })) parts.push(part);
      expect(Buffer.concat(parts).equals(large)).to.equal(true);
    });

    it("stay in one block at their limits", async () => {
      const { a } = stores();
      const name = (index: number): string => String(index).padStart(MAX_STATE_NAME_BYTES, "0");
      const names = Array.from({ length: MAX_DIRECTORY_ENTRIES }, (_, index) => name(index));
      const { files } = await a.putDirectory(entriesOf({ x: utf8("x") }));
      const file = files.get("x");
      if (file === undefined) expect.fail("not stored");
      const { cid } = await a.putDirectory(names.map((path) => ({ path, file })));
      expect(cid).to.equal(await importedCid(Object.fromEntries(names.map((path) => [path, utf8("x")]))));
    });

    it("take files that are stored already without reading them again, and keep them", async () => {
      const { a } = stores();
      const before = await a.putDirectory(entriesOf({ kept: utf8("kept"), other: utf8("other") }));
      const kept = before.files.get("kept");
      if (kept === undefined) expect.fail("not stored");
      const changed = async function* (): AsyncGenerator<Uint8Array> {
        yield utf8("changed");
      };
      const after = await a.putDirectory([
        { path: "kept", file: kept },
        { path: "other", file: changed },
      ]);
      expect(after.cid).to.equal(await importedCid({ kept: utf8("kept"), other: utf8("changed") }));
      await a.unpin(before.cid);
      await a.collect();
      expect([await a.has(before.cid), await a.has(after.cid)]).to.deep.equal([false, true]);
      await a.unpin(after.cid);
      await a.collect();
      expect((await a.collect()).kept).to.equal(0);
    });

    it("are not pinned without what they name", async () => {
      const { a } = stores();
      const { files } = await a.putDirectory(entriesOf({ gone: new Uint8Array(randomBytes(40)) }));
      const gone = files.get("gone");
      if (gone === undefined) expect.fail("not stored");
      const alone = await a.putDirectory([{ path: "gone", file: gone }]);
      expect(await a.has(alone.cid)).to.equal(true);
      const absent = { ...gone, cid: "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy" };
      const storing = a.putDirectory([{ path: "absent", file: absent }], { signal: AbortSignal.timeout(500) });
      expect(await codeOf(storing)).to.equal("CONTENT_NOT_FOUND");
    });

    it("are refused out of order, too large, and with names that are none", async () => {
      const { a } = stores();
      const file = async function* (): AsyncGenerator<Uint8Array> {
        for (let count = 0; count < 11; count++) yield new Uint8Array(MIB);
      };
      const put = async (entries: readonly DirectoryEntry[]): Promise<string | undefined> =>
        await codeOf(a.putDirectory(entries));
      expect(await put([{ path: "a/b", file }])).to.equal("INVALID_INPUT");
      expect(await put([{ path: ".." }])).to.equal("STATE_REFUSED");
      expect(
        await put([
          { path: "a", file },
          { path: "b", file },
        ]),
      ).to.equal("CONTENT_TOO_LARGE");
    });

    it("are not taken from what is none", async () => {
      const { a } = stores();
      const large = await a.putFile(new Uint8Array(2 * MIB));
      for (const cid of [large, await a.putFile(utf8("file"))]) {
        expect(await codeOf(a.listDirectory(cid))).to.equal("CONTENT_CORRUPT");
      }
    });
  });

  describe("directories that somebody made by hand", () => {
    const file = CID.parse("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku");
    const root = CID.parse(EMPTY_DIRECTORY);
    const listing = async (data: readonly number[], names: readonly string[]): Promise<string | undefined> => {
      const links = names.map((name) => ({ Name: name, Hash: file, Tsize: 0 }));
      const block = encode(prepare({ Data: new Uint8Array(data), Links: links }));
      return await codeOf(listStoredDirectory(root, async () => await Promise.resolve(block)));
    };

    it("are listed when they are plain", async () => {
      expect(await listing([8, 1], ["a", "b"])).to.equal(undefined);
    });

    for (const [what, data, names, code] of [
      ["a mode", [8, 1, 0x38, 0x9f, 3], ["a"], "CONTENT_CORRUPT"],
      ["shards", [8, 5], ["a"], "CONTENT_CORRUPT"],
      ["a name twice", [8, 1], ["a", "a"], "CONTENT_CORRUPT"],
      ["a way out", [8, 1], [".."], "STATE_REFUSED"],
      ["a path as a name", [8, 1], ["../escaped"], "STATE_REFUSED"],
      ["no name", [8, 1], [""], "STATE_REFUSED"],
      ["too many entries", [8, 1], Array.from({ length: 1_025 }, (_, index) => `${index}`), "STATE_REFUSED"],
    ] as const) {
      it(`are refused with ${what}`, async () => {
        expect(await listing(data, names)).to.equal(code);
      });
    }
  });
}

function entriesOf(tree: Tree, prefix = ""): DirectoryEntry[] {
  return Object.entries(tree)
    .toSorted(([a], [b]) => compareStateNames(a, b))
    .flatMap(([name, value]) => {
      const path = `${prefix}${name}`;
      if (!(value instanceof Uint8Array)) return [{ path }, ...entriesOf(value, `${path}/`)];
      const file = async function* (): AsyncGenerator<Uint8Array> {
        yield value;
      };
      return [{ path, file }];
    });
}

/** What Helia's importer says, into nowhere. */
async function importedCid(tree: Tree): Promise<string> {
  const blockstore = {
    put: async (cid: CID) => await Promise.resolve(cid),
    has: async () => await Promise.resolve(true),
    async *get(): AsyncGenerator<Uint8Array> {
      yield* [];
      throw new Error("an import reads nothing");
    },
  };
  const candidates = (directory: Tree, prefix: string): { path: string; content?: Uint8Array }[] => [
    { path: prefix },
    ...Object.entries(directory).flatMap(([name, value]) =>
      value instanceof Uint8Array
        ? [{ path: `${prefix}/${name}`, content: value }]
        : candidates(value, `${prefix}/${name}`),
    ),
  ];
  let root = "";
  for await (const { path, cid } of unixfs({ blockstore }).addAll(candidates(tree, "root"), {
    profile: "unixfs-v1-2025",
  })) {
    if (path === "root") root = cid.toString();
  }
  return root;
}
