import { expect } from "chai";
import fc from "fast-check";

import { contentOfRecord } from "../../../../src/domain/program/record-content.ts";
import type { ProgramRecord } from "../../../../src/wire/record.ts";
import { recordCidOf, smallFileCidOf } from "../../../../src/wire/canonical.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";

const cid = (name: string): string => smallFileCidOf(utf8(name));
const previous = { recordCid: recordCidOf(utf8("previous")), envelope: new Uint8Array(3) };

/** Records of kinds that are not all there yet, so not all of one type. */
const content = (record: object): ReturnType<typeof contentOfRecord> => contentOfRecord(record as ProgramRecord);

describe("what a record refers to", () => {
  it("should be input, output and states of a transition", () => {
    const record = {
      kind: "transition",
      signedRequest: { request: { input: { cid: cid("input") } } },
      image: { address: "registry.example/program:1" },
      previousState: cid("before"),
      newState: cid("after"),
      outputCid: cid("output"),
      previous,
      skipped: [new Uint8Array(5)],
    };
    expect(content(record)).to.deep.equal({
      kept: [cid("input"), cid("output")],
      states: [cid("before"), cid("after")],
      previous: previous.recordCid,
    });
  });

  it("should be the first state and the program that a record of the beginning names", () => {
    const record = {
      kind: "create",
      state: cid("first"),
      image: { address: `wasm:${cid("module")}` },
      workers: [{ address: "http://worker.example" }],
    };
    expect(content(record)).to.deep.equal({
      kept: [cid("module"), cid("first")],
      states: [cid("first")],
      previous: undefined,
    });
  });

  it("should be all outputs of a batch, and of a change the program that comes", () => {
    const batch = {
      kind: "batch",
      previousState: cid("0"),
      newState: cid("2"),
      inputs: [
        { outputCid: cid("a"), newState: cid("1") },
        { outputCid: cid("b"), newState: cid("2") },
      ],
      previous,
    };
    expect(content(batch).kept).to.deep.equal([cid("a"), cid("b")]);
    expect(content(batch).states).to.deep.equal([cid("0"), cid("1"), cid("2")]);
    const change = {
      kind: "program",
      state: cid("same"),
      signedChange: { change: { image: { address: `wasm:${cid("new")}` } } },
      recovered: { recordCid: recordCidOf(utf8("recovery")) },
      previous,
    };
    expect(content(change)).to.deep.equal({
      kept: [cid("new"), recordCidOf(utf8("recovery"))],
      states: [cid("same")],
      previous: previous.recordCid,
    });
  });

  it("should leave out a first state only when the record is of the beginning", () => {
    fc.assert(
      fc.property(fc.constantFrom("create", "transition", "terms"), fc.string({ maxLength: 5 }), (kind, name) => {
        expect(content({ kind, state: cid(name) }).kept.includes(cid(name))).to.equal(kind === "create");
      }),
      { numRuns: 20 },
    );
  });
});
