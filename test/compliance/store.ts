import { expect } from "chai";
import fc from "fast-check";

import type { Store, StoreChange } from "../../src/ports/store.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { codeOf } from "../helpers/code-of.ts";

const KEY = fc.string({ unit: fc.constantFrom("a", "b", "/", "~", " ", "%", "_"), minLength: 1, maxLength: 3 });
const VALUE = fc.uint8Array({ maxLength: 4 });
const CHANGE: fc.Arbitrary<StoreChange> = fc.oneof(
  fc.record({ kind: fc.constantFrom("put", "insert"), table: fc.constant("things"), key: KEY, value: VALUE }),
  fc.record({ kind: fc.constant("delete"), table: fc.constant("things"), key: KEY }),
);

/** What every implementation of the port must do. */
export function storeCompliance(name: string, open: () => Promise<Store>): void {
  describe(`store port: ${name}`, () => {
    let store: Store;

    beforeEach(async () => {
      store = await open();
    });
    afterEach(async () => await store.close());

    const put = async (key: string, text = key, table = "things"): Promise<void> =>
      await store.apply([{ kind: "put", table, key, value: utf8(text) }]);
    const keys = async (options: Parameters<Store["list"]>[1] = {}): Promise<string[]> =>
      (await store.list("things", options)).map(({ key }) => key);

    it("gives back what was put, and nothing for what was not", async () => {
      await put("a", "one");
      expect(await store.get("things", "a")).to.deep.equal(utf8("one"));
      expect(await store.get("things", "b")).to.equal(undefined);
      expect(await store.get("others", "a")).to.equal(undefined);
    });

    it("keeps an empty value apart from no value", async () => {
      await store.apply([{ kind: "put", table: "things", key: "empty", value: new Uint8Array() }]);
      expect(await store.get("things", "empty")).to.deep.equal(new Uint8Array());
      expect(await keys()).to.deep.equal(["empty"]);
    });

    it("overwrites by put and forgets by delete", async () => {
      await put("a", "one");
      await put("a", "two");
      expect(await store.get("things", "a")).to.deep.equal(utf8("two"));
      await store.apply([{ kind: "delete", table: "things", key: "a" }]);
      expect(await store.get("things", "a")).to.equal(undefined);
      await store.apply([{ kind: "delete", table: "things", key: "a" }]);
    });

    it("keeps its own bytes: neither the caller's array nor a given one reaches them", async () => {
      const mine = utf8("one");
      await store.apply([{ kind: "put", table: "things", key: "a", value: mine }]);
      mine.fill(0);
      (await store.get("things", "a"))?.fill(0);
      (await store.list("things"))[0]?.value.fill(0);
      expect(await store.get("things", "a")).to.deep.equal(utf8("one"));
    });

    it("lists in ascending order, by prefix, after a key, up to a limit", async () => {
      for (const key of ["b/2", "a/1", "b/10", "c", "b/1"]) await put(key);
      expect(await keys()).to.deep.equal(["a/1", "b/1", "b/10", "b/2", "c"]);
      expect(await keys({ prefix: "b/" })).to.deep.equal(["b/1", "b/10", "b/2"]);
      expect(await keys({ prefix: "b/", after: "b/1" })).to.deep.equal(["b/10", "b/2"]);
      expect(await keys({ after: "b/10", limit: 1 })).to.deep.equal(["b/2"]);
      expect(await keys({ limit: 0 })).to.deep.equal([]);
      expect(await keys({ prefix: "d" })).to.deep.equal([]);
    });

    it("lists downwards, and only what comes before a key", async () => {
      for (const key of ["b/2", "a/1", "b/10", "c", "b/1"]) await put(key);
      expect(await keys({ reverse: true })).to.deep.equal(["c", "b/2", "b/10", "b/1", "a/1"]);
      expect(await keys({ prefix: "b/", before: "b/2" })).to.deep.equal(["b/1", "b/10"]);
      expect(await keys({ prefix: "b/", before: "b/2", reverse: true, limit: 1 })).to.deep.equal(["b/10"]);
      expect(await keys({ after: "a/1", before: "c", reverse: true })).to.deep.equal(["b/2", "b/10", "b/1"]);
      expect(await keys({ after: "c", before: "a/1" })).to.deep.equal([]);
    });

    it("refuses a whole batch when an entry is not what was expected", async () => {
      await put("cursor", "1");
      const key = "cursor";
      const table = "things";
      const advance = (from: string | undefined, to: string): StoreChange[] => [
        { kind: "put", table, key: "other", value: utf8(to) },
        { kind: "expect", table, key, ...(from === undefined ? {} : { value: utf8(from) }) },
        { kind: "put", table, key, value: utf8(to) },
      ];
      for (const from of ["0", "11", "", undefined]) {
        expect(await codeOf(store.apply(advance(from, "9")))).to.equal("STORE_CONFLICT");
      }
      expect(await keys()).to.deep.equal(["cursor"]);
      await store.apply(advance("1", "2"));
      expect(await store.get(table, key)).to.deep.equal(utf8("2"));
      await store.apply([{ kind: "expect", table, key: "absent" }]);
      expect(await codeOf(store.apply([{ kind: "expect", table, key: "absent", value: utf8("") }]))).to.equal(
        "STORE_CONFLICT",
      );
    });

    it("takes a prefix literally, whatever a pattern would make of it", async () => {
      for (const key of ["a_1", "a%1", "ab1"]) await put(key);
      expect(await keys({ prefix: "a_" })).to.deep.equal(["a_1"]);
      expect(await keys({ prefix: "a%" })).to.deep.equal(["a%1"]);
    });

    it("refuses a whole batch when one insert finds its key taken", async () => {
      await put("taken", "before");
      const batch: StoreChange[] = [
        { kind: "put", table: "things", key: "new", value: utf8("x") },
        { kind: "put", table: "things", key: "taken-too", value: utf8("x") },
        { kind: "insert", table: "things", key: "taken", value: utf8("after") },
      ];
      expect(await codeOf(store.apply(batch))).to.equal("STORE_CONFLICT");
      expect(await keys()).to.deep.equal(["taken"]);
      expect(await store.get("things", "taken")).to.deep.equal(utf8("before"));
    });

    it("lets one of many that insert the same key win", async () => {
      const attempts = Array.from({ length: 8 }, (_, i) =>
        codeOf(store.apply([{ kind: "insert", table: "things", key: "once", value: new Uint8Array([i]) }])),
      );
      const codes = await Promise.all(attempts);
      expect(codes.filter((code) => code === undefined)).to.have.length(1);
      expect(codes.filter((code) => code === "STORE_CONFLICT")).to.have.length(7);
    });

    it("applies a batch in order", async () => {
      const key = "a";
      const table = "things";
      await put(key);
      await store.apply([
        { kind: "delete", table, key },
        { kind: "insert", table, key, value: utf8("again") },
      ]);
      expect(await store.get(table, key)).to.deep.equal(utf8("again"));
      const twice: StoreChange[] = [
        { kind: "put", table, key: "b", value: utf8("1") },
        { kind: "insert", table, key: "b", value: utf8("2") },
      ];
      expect(await codeOf(store.apply(twice))).to.equal("STORE_CONFLICT");
      expect(await store.get(table, "b")).to.equal(undefined);
    });

    it("refuses names and keys that implementations would treat differently", async () => {
      for (const key of ["", "é", "\n", "\0", "😀"])
        expect(await codeOf(put(key)), JSON.stringify(key)).to.equal("INVALID_INPUT");
      expect(await codeOf(put("a", "x", "Things"))).to.equal("INVALID_INPUT");
      expect(await codeOf(put("a", "x", ""))).to.equal("INVALID_INPUT");
    });

    it("does nothing after it was closed, and closes once however often it is asked", async () => {
      await store.close();
      await store.close();
      expect(await codeOf(put("a"))).to.equal("STORE_UNAVAILABLE");
      expect(await codeOf(store.get("things", "a"))).to.equal("STORE_UNAVAILABLE");
      expect(await codeOf(store.list("things"))).to.equal("STORE_UNAVAILABLE");
    });

    it("behaves as a map does, for any batches", async () => {
      const batches = fc.array(fc.array(CHANGE, { maxLength: 5 }), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(batches, KEY, KEY, KEY, async (list, prefix, after, before) => {
          await clear(store);
          let model = new Map<string, Uint8Array>();
          for (const batch of list) {
            const next = afterBatch(model, batch);
            expect(await codeOf(store.apply(batch))).to.equal(next === undefined ? "STORE_CONFLICT" : undefined);
            model = next ?? model;
          }
          const expected = [...model.keys()].filter((key) => key.startsWith(prefix)).sort();
          expect(await keys({ prefix })).to.deep.equal(expected);
          const within = [...model.keys()].filter((key) => key > after && key < before).sort();
          expect(await keys({ after, before })).to.deep.equal(within);
          expect(await keys({ after, before, reverse: true })).to.deep.equal(within.toReversed());
          for (const [key, value] of model) expect(await store.get("things", key)).to.deep.equal(value);
        }),
        { numRuns: 40 },
      );
    });
  });
}

async function clear(store: Store): Promise<void> {
  const entries = await store.list("things");
  await store.apply(entries.map(({ key }) => ({ kind: "delete", table: "things", key })));
}

function afterBatch(
  before: ReadonlyMap<string, Uint8Array>,
  batch: readonly StoreChange[],
): Map<string, Uint8Array> | undefined {
  const after = new Map(before);
  for (const change of batch) {
    if (change.kind === "insert" && after.has(change.key)) return undefined;
    if (change.kind === "delete") after.delete(change.key);
    else if (change.kind !== "expect") after.set(change.key, change.value);
  }
  return after;
}
