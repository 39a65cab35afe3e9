import { SprfError } from "../../errors.ts";
import { fromHex } from "../../utils/bytes.ts";
import { keccak256 } from "../../utils/keccak.ts";
import { decodeAbi, encodeAbi } from "./abi.ts";
import { decodeCallInput, type SignedCall } from "./call.ts";

/** What the hub tells a channel; the numbers are part of the protocol. */
export const INBOX_KINDS = {
  join: 1,
  leave: 2,
  close: 3,
  ban: 4,
  delegate: 5,
  forcedCall: 6,
  presence: 7,
  term: 8,
} as const;

/** One numbered word of the hub to a channel. */
export interface InboxEntry {
  /** From 1, without gaps. */
  readonly index: number;
  /** One of {@link INBOX_KINDS}. */
  readonly kind: number;
  /** Whom it is about. Lower-case hex with 0x. */
  readonly account: string;
  /** Of its block. */
  readonly timeMs: number;
  readonly data: Uint8Array;
}

/** Something of value that a member brings in. */
export interface Asset {
  /** 0 ether, 1 ERC-20, 2 ERC-721, 3 ERC-1155. */
  readonly kind: number;
  readonly token: string;
  readonly id: bigint;
  readonly amount: bigint;
}

/** What an entry's data says. */
export type InboxContent =
  | { readonly kind: "join"; readonly signer: string; readonly joinNumber: number; readonly assets: readonly Asset[] }
  | { readonly kind: "leave" }
  | { readonly kind: "close" }
  | { readonly kind: "ban"; readonly bannedUntilMs: number; readonly newLeader: string }
  /** Undefined: it speaks for itself again. */
  | { readonly kind: "delegate"; readonly candidate: string | undefined }
  | { readonly kind: "forcedCall"; readonly signedCall: SignedCall }
  | { readonly kind: "presence"; readonly isAbsent: boolean }
  | { readonly kind: "term"; readonly term: number; readonly leader: string }
  /** Of a kind that a later protocol has. */
  | { readonly kind: "unknown" };

const ENTRY_TYPE = "tuple(uint64 index,uint8 kind,address account,uint64 timeMs,bytes data)";
const NOBODY = `0x${"0".repeat(40)}`;
const ASSETS_TYPE = "tuple(uint8 kind,address token,uint256 id,uint256 amount)[]";

/** The input of an inbox record: `abi.encode(InboxEntry)`. */
export function encodeInboxEntry(entry: InboxEntry): Uint8Array {
  return encodeAbi([ENTRY_TYPE], [entry]);
}

/** @throws SprfError `MESSAGE_INVALID` for any bytes that {@link encodeInboxEntry} would not give */
export function decodeInboxEntry(input: Uint8Array): InboxEntry {
  const [values] = decodeAbi([ENTRY_TYPE], input, "an entry of the inbox");
  const [index, kind, account, timeMs, data] = values as readonly [bigint, bigint, string, bigint, string];
  return {
    index: safe(index),
    kind: Number(kind),
    account: account.toLowerCase(),
    timeMs: safe(timeMs),
    data: fromHex(data),
  };
}

/** What the hub keeps of an entry. */
export function hashInboxEntry(entry: InboxEntry): Uint8Array {
  return keccak256(encodeInboxEntry(entry));
}

/** Whoever follows a channel asks for the same ones again and again. */
const contents = new WeakMap<InboxEntry, InboxContent>();

/** The data of an entry that the hub made. @throws SprfError `MESSAGE_INVALID` */
export function contentOf(entry: InboxEntry): InboxContent {
  const content = contents.get(entry) ?? decodeContent(entry);
  contents.set(entry, content);
  return content;
}

function decodeContent({ kind, data }: InboxEntry): InboxContent {
  switch (kind) {
    case INBOX_KINDS.join: {
      const values = decodeAbi(["address", "uint64", ASSETS_TYPE], data, "a join") as JoinValues;
      const [signer, joinNumber, assets] = values;
      return {
        kind: "join",
        signer: signer.toLowerCase(),
        joinNumber: safe(joinNumber),
        assets: assets.map(([assetKind, token, id, amount]) => ({
          kind: Number(assetKind),
          token: token.toLowerCase(),
          id,
          amount,
        })),
      };
    }
    case INBOX_KINDS.leave:
      return { kind: "leave" };
    case INBOX_KINDS.close:
      return { kind: "close" };
    case INBOX_KINDS.ban: {
      const [until, newLeader] = decodeAbi(["uint64", "address"], data, "a ban") as readonly [bigint, string];
      return { kind: "ban", bannedUntilMs: safe(until), newLeader: newLeader.toLowerCase() };
    }
    case INBOX_KINDS.delegate: {
      const [candidate] = decodeAbi(["address"], data, "a delegation") as readonly [string];
      return { kind: "delegate", candidate: candidate === NOBODY ? undefined : candidate.toLowerCase() };
    }
    case INBOX_KINDS.forcedCall:
      return { kind: "forcedCall", signedCall: decodeCallInput(data) };
    case INBOX_KINDS.presence: {
      const [isAbsent] = decodeAbi(["bool"], data, "a presence") as readonly [boolean];
      return { kind: "presence", isAbsent };
    }
    case INBOX_KINDS.term: {
      const [term, leader] = decodeAbi(["uint64", "address"], data, "a term") as readonly [bigint, string];
      return { kind: "term", term: safe(term), leader: leader.toLowerCase() };
    }
    default:
      return { kind: "unknown" };
  }
}

/** The data of a join. */
export function encodeJoin(signer: string, joinNumber: number, assets: readonly Asset[]): Uint8Array {
  return encodeAbi(["address", "uint64", ASSETS_TYPE], [signer, joinNumber, assets]);
}

/** The data of a ban. */
export function encodeBan(bannedUntilMs: number, newLeader: string): Uint8Array {
  return encodeAbi(["uint64", "address"], [bannedUntilMs, newLeader]);
}

/** The data of a delegation; of its end where there is no candidate. */
export function encodeDelegation(candidate: string | undefined): Uint8Array {
  return encodeAbi(["address"], [candidate ?? NOBODY]);
}

/** The data of a term. */
export function encodeTerm(term: number, leader: string): Uint8Array {
  return encodeAbi(["uint64", "address"], [term, leader]);
}

type JoinValues = readonly [string, bigint, readonly (readonly [bigint, string, bigint, bigint])[]];

function safe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new SprfError("MESSAGE_INVALID", `an entry of the inbox: ${value} is out of range`);
  }
  return Number(value);
}
