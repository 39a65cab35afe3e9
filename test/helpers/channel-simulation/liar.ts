import type { ChannelNetwork } from "../../../src/ports/channel-network.ts";
import { signAck, signBatch } from "../../../src/wire/channel/batch.ts";
import { merkleRoot } from "../../../src/wire/channel/merkle.ts";
import {
  decodeChannelMessage,
  encodeChannelMessage,
  type ChannelMessage,
  type ChannelMessageBody,
} from "../../../src/wire/channel/messages.ts";
import { decodeRecordBody, headerOf } from "../../../src/wire/channel/record-body.ts";
import { hashRecord } from "../../../src/wire/channel/record.ts";
import { signVote } from "../../../src/wire/channel/settlement.ts";
import { createLyingNetwork, LIES, type Lie, type LyingNetwork } from "../lying-network.ts";
import type { Distortion, World } from "./member.ts";

const PER_CENT = 100;
/** Shares in per cent of the messages that a liar changes. */
const SILENT = 4;
const LIE = 2;
const SHORTENED = 8;
const FALSE_ACK = 15;
const FALSE_VOTE = 30;
const FALSE_PAST = 30;

type Batch = NonNullable<Extract<ChannelMessage, { readonly kind: "batch" }>["batch"]>;

/** A member that runs the real node and sends what it likes, with its own signature under it. */
export function liarOf({ random, chain, trace, time }: World): Distortion {
  const strikes = (share: number): boolean => random.below(PER_CENT) < share;
  const names = Object.keys(LIES).filter((lie) => lie !== "a skipped tick") as Lie[];

  return (network, { signerKey, node }) => {
    const { domain } = chain.hub;
    const seen = new WeakSet<Uint8Array>();
    const lying: LyingNetwork = createLyingNetwork(network, { domain, signerKey });

    /** The same records in two batches: what one member has is what the other has, and the batches differ. */
    function shortened(batch: Batch): Batch | undefined {
      const before = node().record(batch.first - 1)?.hash;
      if (batch.records.length < 2 || before === undefined) return undefined;
      const records = batch.records.slice(0, 1 + random.below(batch.records.length - 1));
      let previous = before;
      const hashes = records.map((packed, index) => {
        const place = { channel: 1n, term: batch.term, height: batch.first + index, previous };
        previous = hashRecord(headerOf(decodeRecordBody(packed), place));
        return previous;
      });
      const last = batch.first + records.length - 1;
      const said = { channel: 1n, term: batch.term, first: batch.first, last, recordsRoot: merkleRoot(hashes) };
      return { ...batch, records, signature: signBatch(domain, said, signerKey) };
    }

    function instead(message: ChannelMessage): ChannelMessageBody | undefined {
      switch (message.kind) {
        case "batch": {
          if (message.batch === undefined || !strikes(SHORTENED)) return undefined;
          const batch = shortened(message.batch);
          if (batch === undefined) return undefined;
          trace.event("liar", `cuts a batch at ${batch.first}`);
          return { ...message, batch };
        }
        case "acks": {
          if (!strikes(FALSE_ACK)) return undefined;
          const { term } = message;
          const acks = message.acks.map(({ height, recordHash }) => {
            // Of a record that is none, or with a certificate that it does not hold.
            const isOther = strikes(50);
            const ack = { height, recordHash: isOther ? new Uint8Array(32).fill(9) : recordHash, certified: height };
            return { ...ack, signature: signAck(domain, { channel: 1n, term, ...ack }, signerKey) };
          });
          return { ...message, acks };
        }
        case "vote": {
          if (!strikes(FALSE_VOTE)) return undefined;
          const { proposalHash } = message;
          const option = random.below(3);
          const signature = signVote(domain, { channel: 1n, proposalHash, option }, signerKey);
          return { ...message, option, signature };
        }
        case "history":
          return strikes(FALSE_PAST) ? { ...message, batches: message.batches.slice(1), more: strikes(50) } : undefined;
        case "status":
          return strikes(FALSE_PAST) ? { ...message, height: message.height + random.below(50) } : undefined;
        default:
          return undefined;
      }
    }

    return {
      ...lying,
      self: network.self,
      send(to, bytes) {
        if (strikes(SILENT)) return true;
        const message = decodeChannelMessage(bytes);
        const isFirst = !seen.has(bytes);
        seen.add(bytes);
        // All hear the same lie: what one has seen alone only a proof of both words shows to the others.
        if (
          isFirst &&
          message.kind === "batch" &&
          message.batch !== undefined &&
          strikes(LIE) &&
          lying.toldAt === undefined
        ) {
          const lie = random.pick(names);
          trace.event("liar", `is about to tell ${lie} at ${time.now()}`);
          lying.lieAbout(lie, { node: node(), instead: undefined as never });
          return lying.send(to, bytes);
        }
        const changed = instead(message);
        return lying.send(to, changed === undefined ? bytes : encodeChannelMessage(1n, changed));
      },
    } satisfies ChannelNetwork;
  };
}
