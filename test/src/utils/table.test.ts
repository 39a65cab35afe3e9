import { expect } from "chai";
import fc from "fast-check";
import { z } from "zod";

import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import { createTable } from "../../../src/utils/table.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { bytesUpTo, uint64Schema } from "../../../src/wire/primitives.ts";
import { uint64Arbitrary } from "../../helpers/arbitraries.ts";
import { codeOf } from "../../helpers/code-of.ts";

const schema = z.strictObject({ amount: uint64Schema, note: z.string(), bytes: bytesUpTo(16).optional() });

const values = fc.record(
  {
    amount: uint64Arbitrary,
    note: fc.string(),
    bytes: fc.uint8Array({ maxLength: 16 }).map((bytes) => new Uint8Array(bytes)),
  },
  { requiredKeys: ["amount", "note"] },
);

describe("utils/table", () => {
  it("should give back what was put, by key and as a list", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.stringMatching(/^[a-z0-9/]{1,8}$/), values), async (entries) => {
        const store = createMemoryStore();
        const table = createTable(store, "things", schema);
        await store.apply(Object.entries(entries).map(([key, value]) => table.put(key, value)));
        for (const [key, value] of Object.entries(entries)) expect(await table.get(key)).to.deep.equal(value);
        const listed = await table.list();
        expect(Object.fromEntries(listed.map(({ key, value }) => [key, value]))).to.deep.equal({ ...entries });
      }),
    );
  });

  it("should insert once, and nothing of a batch whose insert fails", async () => {
    const store = createMemoryStore();
    const table = createTable(store, "things", schema);
    await store.apply([table.insert("a", { amount: 1n, note: "first" })]);
    const again = [table.put("b", { amount: 2n, note: "" }), table.insert("a", { amount: 3n, note: "second" })];
    expect(await codeOf(store.apply(again))).to.equal("STORE_CONFLICT");
    expect(await table.get("a")).to.deep.equal({ amount: 1n, note: "first" });
    expect(await table.get("b")).to.equal(undefined);
    await store.apply([table.delete("a")]);
    expect(await table.list()).to.deep.equal([]);
  });

  it("should name an entry that cannot be read", async () => {
    const store = createMemoryStore();
    const table = createTable(store, "things", schema);
    await store.apply([{ kind: "put", table: "things", key: "bad", value: utf8("not cbor") }]);
    expect(await codeOf(table.get("bad"))).to.equal("STORE_UNAVAILABLE");
    expect(await codeOf(table.list())).to.equal("STORE_UNAVAILABLE");
  });
});
