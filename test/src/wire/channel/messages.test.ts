import { expect } from "chai";

import { encodeCanonical } from "../../../../src/wire/canonical.ts";
import { MAX_CHANNEL_MESSAGE_BYTES } from "../../../../src/wire/channel/limits.ts";
import {
  decodeChannelMessage,
  encodeChannelMessage,
  type ChannelMessageBody,
} from "../../../../src/wire/channel/messages.ts";
import { codeThrown } from "../../../helpers/code-of.ts";

const hash = new Uint8Array(32).fill(1);
const signature = new Uint8Array(65).fill(2);
const certificate = { term: 1, height: 4, recordHash: hash, acks: [{ certified: 3, signature }] };
const batch = { term: 1, first: 5, records: [new Uint8Array(154)], signature };
const settlement = {
  channel: 7n,
  fromHeight: 0,
  toHeight: 4,
  timeMs: 1,
  head: hash,
  recordsRoot: hash,
  stateRoot: hash,
  changesRoot: hash,
  inboxCursor: 2,
  mode: 0,
};
const header = {
  channel: 7n,
  term: 1,
  height: 4,
  kind: 1,
  timeMs: 1,
  previous: hash,
  inputHash: hash,
  touchedHash: hash,
  writesHash: hash,
  status: 1,
  gasUsed: 3,
  returnHash: hash,
  stateRoot: hash,
  inboxCursor: 2,
};

const MESSAGES: readonly ChannelMessageBody[] = [
  { kind: "status", term: 1, height: 4, recordHash: hash, certificate, asks: true },
  { kind: "status", term: 1, height: 0, recordHash: hash, asks: false },
  { kind: "heartbeat", term: 1 },
  { kind: "heartbeat", term: 1, id: 7, delayMs: 600_000, height: 4 },
  { kind: "echo", id: 7 },
  { kind: "path", wants: "records" },
  { kind: "path-refused" },
  { kind: "head", term: 1, height: 4, recordHash: hash, committed: 3 },
  { kind: "input", id: 1, recordKind: 1, input: hash },
  { kind: "receipt", id: 1, height: 5 },
  { kind: "receipt", id: 1, refusal: "CHANNEL_BUSY", detail: "full" },
  { kind: "batch", batch, certificate },
  { kind: "batch", certificate },
  { kind: "acks", term: 1, acks: [{ height: 5, recordHash: hash, certified: 4, signature }] },
  { kind: "sync", height: 5, recordHash: hash },
  { kind: "history", batches: [batch], more: true },
  { kind: "snapshot", header, parts: 2 },
  { kind: "part-request", height: 4, part: 0 },
  { kind: "part", height: 4, part: 0, bytes: hash },
  { kind: "proposal", settlement },
  { kind: "vote", proposalHash: hash, option: 1, signature },
];

describe("wire/channel/messages", () => {
  for (const body of MESSAGES) {
    it(`should carry a ${body.kind} (${Object.keys(body).join(", ")})`, () => {
      const message = decodeChannelMessage(encodeChannelMessage(7n, body));
      expect(message.channel).to.equal(7n);
      expect(encodeChannelMessage(7n, message)).to.deep.equal(encodeChannelMessage(7n, body));
    });
  }

  it("should refuse what is none", () => {
    const refused = [
      new Uint8Array(),
      new Uint8Array([0xff]),
      encodeCanonical({ version: 2, channel: 7, kind: "part-request", height: 4, part: 0 }),
      encodeCanonical({ version: 1, channel: 7, kind: "part-request", height: -4, part: 0 }),
      encodeCanonical({ version: 1, channel: 7, kind: "part-request", height: 4, part: 0, more: 1 }),
      encodeCanonical({ version: 1, channel: 7, kind: "batch", batch: { ...batch, records: [] } }),
      encodeCanonical({ version: 1, channel: 7, kind: "batch", batch: { ...batch, signature: hash } }),
      encodeCanonical({ version: 1, channel: 7, kind: "input", id: 1, recordKind: 3, input: hash }),
      encodeCanonical({ version: 1, channel: 7, kind: "gossip" }),
      encodeCanonical({ version: 1, channel: 7, kind: "path", wants: "all" }),
      encodeCanonical({ version: 1, channel: 7, kind: "heartbeat", term: 1, delayMs: 600_001 }),
      encodeCanonical({ version: 1, channel: 7, kind: "heartbeat", term: 1, delayMs: -1 }),
      new Uint8Array(MAX_CHANNEL_MESSAGE_BYTES + 1),
    ];
    for (const payload of refused) {
      expect(codeThrown(() => decodeChannelMessage(payload))).to.equal("MESSAGE_INVALID");
    }
  });

  it("should write no message that nobody would read", () => {
    const records = Array.from({ length: 64 }, () => new Uint8Array(17_000));
    const code = codeThrown(() => encodeChannelMessage(7n, { kind: "batch", batch: { ...batch, records } }));
    expect(code).to.equal("INTERNAL");
  });
});
