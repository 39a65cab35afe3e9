import { readBatch } from "../../../src/channel/read-batch.ts";
import type { ChannelNetwork } from "../../../src/ports/channel-network.ts";
import { signAck, signBatch } from "../../../src/wire/channel/batch.ts";
import { merkleRoot } from "../../../src/wire/channel/merkle.ts";
import {
  decodeChannelMessage,
  encodeChannelMessage,
  type ChannelMessage,
  type ChannelMessageBody,
  type ChannelMessageOf,
} from "../../../src/wire/channel/messages.ts";
import { decodeRecordBody, encodeRecordBody, headerOf } from "../../../src/wire/channel/record-body.ts";
import { hashRecord, ZERO_HASH } from "../../../src/wire/channel/record.ts";
import type { SignedBatch } from "../../../src/wire/channel/schemas.ts";
import type { Distortion, World } from "./member.ts";

const PER_CENT = 100;
/** Shares in per cent of what a relay passes on. */
const WITHHELD = 30;
const GARBLED = 30;
/** Of one that mostly does that. */
const MOSTLY_GARBLED = 75;
const DOUBLED = 10;
const HELD_BACK = 15;
const FALSE_WORD = 30;
const SLOW_MS = 4_000;
/** Longer than it takes to find that a path brings nothing. */
const MOOD_MS = 12_000;
const FAR = 50;

/** What relays may be. */
const CHARACTERS = ["withholds", "dawdles", "garbles", "all of it"] as const;

type Certificate = NonNullable<ChannelMessageOf<"batch">["certificate"]>;

/**
 * A member whose node is as it should be, and that does what it likes with what it passes on: it keeps it back, is late with it, swaps
 * and doubles it, alters it and signs that itself, and says of itself that it is beside the leader. What is its own (acks, votes, and
 * what it leads) goes as it is: nothing that it may be punished for.
 */
export function lyingRelayOf({ random, chain, trace, time }: World): Distortion {
  const strikes = (share: number): boolean => random.below(PER_CENT) < share;
  const character = random.pick(CHARACTERS);

  return (network, { signerKey, node, leads }) => {
    const { domain } = chain.hub;
    trace.event("relay", `${network.self.slice(0, 6)} ${character}`);
    let mood: (typeof CHARACTERS)[number] = character;
    let moodUntilMs = 0;
    /** By receiver, what is sent behind the next one. */
    const heldBack = new Map<string, Uint8Array>();

    function moodNow(): (typeof CHARACTERS)[number] {
      if (character !== "all of it" || time.now() < moodUntilMs) return mood;
      moodUntilMs = time.now() + random.below(MOOD_MS);
      return (mood = random.pick(CHARACTERS));
    }

    /** One record of it says something else, and the relay's signature is as good as any. */
    function altered(batch: SignedBatch): SignedBatch {
      const before = node().record(batch.first - 1)?.hash ?? ZERO_HASH;
      const at = random.below(batch.records.length);
      // Where it has led itself, that would be a leader's second word, for which it may be punished.
      if (readBatch(batch, { domain, channel: 1n, before }).signer === network.self) return batch;
      let previous = before;
      const bodies = batch.records.map((packed, index) => {
        const body = decodeRecordBody(packed);
        return index === at ? { ...body, returnHash: ZERO_HASH, timeMs: body.timeMs + 1 } : body;
      });
      const hashes = bodies.map((body, index) => {
        previous = hashRecord(headerOf(body, { channel: 1n, term: batch.term, height: batch.first + index, previous }));
        return previous;
      });
      const last = batch.first + bodies.length - 1;
      const said = { channel: 1n, term: batch.term, first: batch.first, last, recordsRoot: merkleRoot(hashes) };
      const records = bodies.map((body) => encodeRecordBody(body));
      return { ...batch, records, signature: signBatch(domain, said, signerKey) };
    }

    function garbledBatch(batch: SignedBatch): SignedBatch {
      const [first = new Uint8Array(), ...rest] = batch.records;
      switch (random.below(7)) {
        case 0:
          return { ...batch, records: [flipped(first), ...rest] };
        case 1:
          return { ...batch, signature: flipped(batch.signature) };
        case 2:
          return rest.length === 0 ? altered(batch) : { ...batch, records: rest };
        case 3:
          return { ...batch, term: batch.term + 1 };
        default:
          return altered(batch);
      }
    }

    /** All that it has signed itself: nobody else has said so. */
    function ownCertificate(): Certificate {
      const { term, head } = node();
      const { height, hash: recordHash } = head;
      const certified = height;
      const signature = signAck(domain, { channel: 1n, term, height, recordHash, certified }, signerKey);
      return { term, height, recordHash, acks: [{ certified, signature }] };
    }

    function garbledCertificate(certificate: Certificate): Certificate {
      const { acks, height } = certificate;
      switch (random.below(4)) {
        case 0:
          return ownCertificate();
        case 1:
          return { ...certificate, height: height + 1 };
        case 2:
          return { ...certificate, recordHash: flipped(certificate.recordHash) };
        default:
          return { ...certificate, acks: acks.map((ack) => ({ ...ack, certified: height })) };
      }
    }

    function flipped(bytes: Uint8Array): Uint8Array {
      const copy = new Uint8Array(bytes);
      const at = random.below(copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
      return copy;
    }

    function garbled(message: ChannelMessage): ChannelMessageBody | undefined {
      switch (message.kind) {
        case "batch": {
          const { batch, certificate } = message;
          const isOfBatch = batch !== undefined && (certificate === undefined || strikes(50));
          if (isOfBatch) return { ...message, batch: garbledBatch(batch) };
          return certificate && { ...message, certificate: garbledCertificate(certificate) };
        }
        case "history": {
          const [first, ...rest] = message.batches;
          if (first === undefined) return undefined;
          return { ...message, batches: strikes(50) ? rest : [garbledBatch(first), ...rest], more: strikes(50) };
        }
        case "receipt":
          return message.height === undefined ? undefined : { ...message, height: message.height + random.below(FAR) };
        default:
          return undefined;
      }
    }

    /** What it says of itself. */
    function boasted(message: ChannelMessage): ChannelMessageBody | undefined {
      switch (message.kind) {
        case "heartbeat":
          return { ...message, delayMs: 0 };
        case "head": {
          if (!strikes(FALSE_WORD)) return undefined;
          const height = message.height + random.below(FAR);
          const { recordHash } = message;
          return { ...message, height, committed: height, recordHash: strikes(50) ? flipped(recordHash) : recordHash };
        }
        case "status":
          return strikes(FALSE_WORD) ? { ...message, height: message.height + random.below(FAR) } : undefined;
        default:
          return undefined;
      }
    }

    const isPassedOn = ({ kind }: ChannelMessage): boolean =>
      kind === "batch" || kind === "history" || kind === "receipt" || kind === "input";

    function later(to: string, bytes: Uint8Array): boolean {
      time.after(1 + random.below(SLOW_MS), () => network.send(to, bytes));
      return true;
    }

    function passOn(to: string, message: ChannelMessage, bytes: Uint8Array): boolean {
      const now = moodNow();
      if (now === "withholds" || (now !== "garbles" && strikes(WITHHELD))) return true;
      if (now === "dawdles") return later(to, bytes);
      const instead = strikes(now === "garbles" ? MOSTLY_GARBLED : GARBLED) ? garbled(message) : undefined;
      const given = instead === undefined ? bytes : encodeChannelMessage(1n, instead);
      const before = heldBack.get(to);
      heldBack.delete(to);
      if (before === undefined && strikes(HELD_BACK)) {
        heldBack.set(to, given);
        return true;
      }
      const isTaken = network.send(to, given);
      if (before !== undefined) network.send(to, before);
      if (strikes(DOUBLED)) network.send(to, given);
      return isTaken;
    }

    return {
      ...network,
      self: network.self,
      send(to, bytes, options) {
        if (leads()) return network.send(to, bytes, options);
        const message = decodeChannelMessage(bytes);
        if (isPassedOn(message)) return passOn(to, message, bytes);
        const instead = boasted(message);
        return network.send(to, instead === undefined ? bytes : encodeChannelMessage(1n, instead), options);
      },
    } satisfies ChannelNetwork;
  };
}
