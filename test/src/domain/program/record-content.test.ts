import { expect } from "chai";

import { contentOfRecord } from "../../../../src/domain/program/record-content.ts";
import type { ProgramRecord } from "../../../../src/wire/record.ts";
import { recordCidOf, smallFileCidOf } from "../../../../src/wire/canonical.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";

const cid = (name: string): string => smallFileCidOf(utf8(name));
const previous = { recordCid: recordCidOf(utf8("previous")), envelope: new Uint8Array(3) };

const inline = { request: { input: { bytes: new Uint8Array(1) } } };
const byCid = { request: { input: { cid: cid("input") } } };

/** Records with nothing but the fields that matter. */
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
        { signedRequest: inline, outputCid: cid("a"), newState: cid("1") },
        { signedRequest: byCid, outputCid: cid("b"), newState: cid("2") },
      ],
      image: { address: "registry.example/program:1" },
      previous,
    };
    expect(content(batch).kept).to.deep.equal([cid("a"), cid("input"), cid("b")]);
    expect(content(batch).states).to.deep.equal([cid("0"), cid("1"), cid("2")]);
    const change = {
      kind: "program",
      state: cid("same"),
      signedChange: { request: { change: { image: { address: `wasm:${cid("new")}` } } } },
      previous,
    };
    expect(content(change)).to.deep.equal({
      kept: [cid("new")],
      states: [cid("same")],
      previous: previous.recordCid,
    });
  });

  it("should be the recovery that a change of workers goes on from, and no input that was not run", () => {
    const recoveryCid = recordCidOf(utf8("recovery"));
    const change = { kind: "workers", state: cid("same"), recovered: { recordCid: recoveryCid }, previous };
    expect(content(change).kept).to.deep.equal([recoveryCid]);
    const given = { kind: "return", state: cid("same"), returned: [{ signedRequest: byCid }], previous };
    expect(content(given)).to.deep.equal({ kept: [], states: [cid("same")], previous: previous.recordCid });
  });

  it("should leave out a state unless the record is of the beginning", () => {
    for (const kind of ["payout", "bump", "refund", "terms"]) {
      expect(content({ kind, state: cid("state"), previous }).kept).to.deep.equal([]);
    }
  });
});
