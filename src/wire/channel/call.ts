import { SprfError } from "../../errors.ts";
import { equalBytes, toHex } from "../../utils/bytes.ts";
import { keccak256, WORD_BYTES } from "../../utils/keccak.ts";
import { digestOf, type ChannelDomain } from "./domain.ts";
import { typeHashOf } from "./type-hashes.ts";
import { createWords } from "./words.ts";

/** A user's call of a channel's program. */
export interface Call {
  readonly channel: bigint;
  /** The wallet, also when a session key signs. Lower-case hex with 0x. */
  readonly sender: string;
  readonly nonce: bigint;
  readonly gasLimit: bigint;
  readonly validUntilMs: bigint;
  readonly data: Uint8Array;
}

export interface SignedCall {
  readonly call: Call;
  /** 65 bytes; for a key that may call some functions only, with their list behind. */
  readonly signature: Uint8Array;
}

const TYPE_HASH = typeHashOf("Call");
/** Words of a call before its data, and of the two offsets before it. */
const CALL_WORDS = 6;
const HEAD_WORDS = 2;
const DATA_AT = (HEAD_WORDS + CALL_WORDS + 1) * WORD_BYTES;
const MAX_UINT64 = 2n ** 64n - 1n;
const ADDRESS_START = 12;
const UINT64_START = 24;

const words = createWords(HEAD_WORDS + CALL_WORDS + 1);

/** The struct hash of EIP-712. */
export function hashCall(call: Call): Uint8Array {
  const dataHash = keccak256(call.data);
  return words
    .begin()
    .bytes32(TYPE_HASH)
    .uint(call.channel)
    .address(call.sender)
    .uint(call.nonce)
    .uint(call.gasLimit)
    .uint(call.validUntilMs)
    .bytes32(dataHash)
    .hash();
}

/** What the user signs. */
export function callDigest(domain: ChannelDomain, call: Call): Uint8Array {
  return digestOf(domain, hashCall(call));
}

/** The input of a call's record: `abi.encode(Call, bytes signature)`. @throws SprfError `INVALID_INPUT` for numbers out of range */
export function encodeCallInput({ call, signature }: SignedCall): Uint8Array {
  for (const value of [call.nonce, call.gasLimit, call.validUntilMs]) {
    if (value < 0n || value > MAX_UINT64) throw new SprfError("INVALID_INPUT", `${value} is no uint64`);
  }
  const callBytes = CALL_WORDS * WORD_BYTES + WORD_BYTES + padded(call.data.length);
  const signatureAt = HEAD_WORDS * WORD_BYTES + callBytes;
  const input = new Uint8Array(signatureAt + WORD_BYTES + padded(signature.length));
  words
    .begin()
    .number(HEAD_WORDS * WORD_BYTES)
    .number(signatureAt)
    .uint(call.channel)
    .address(call.sender)
    .uint(call.nonce)
    .uint(call.gasLimit)
    .uint(call.validUntilMs)
    .number(CALL_WORDS * WORD_BYTES)
    .number(call.data.length)
    .copyTo(input, 0);
  input.set(call.data, DATA_AT);
  words.begin().number(signature.length).copyTo(input, signatureAt);
  input.set(signature, signatureAt + WORD_BYTES);
  return input;
}

/** The call in a record's input. @throws SprfError `MESSAGE_INVALID` for any bytes that {@link encodeCallInput} would not give */
export function decodeCallInput(input: Uint8Array): SignedCall {
  const view = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  if (input.length < DATA_AT + WORD_BYTES) throw invalid("too short");
  const wordAt = (index: number): Buffer => view.subarray(index * WORD_BYTES, (index + 1) * WORD_BYTES);
  const uint64At = (index: number): bigint => wordAt(index).readBigUInt64BE(UINT64_START);
  const dataLength = Number(uint64At(HEAD_WORDS + CALL_WORDS));
  const signatureAt = DATA_AT + padded(dataLength);
  if (signatureAt + WORD_BYTES > input.length) throw invalid("its data ends too late");
  const signatureLength = Number(view.readBigUInt64BE(signatureAt + UINT64_START));
  if (signatureAt + WORD_BYTES + padded(signatureLength) !== input.length)
    throw invalid("its signature ends elsewhere");
  const signatureStart = signatureAt + WORD_BYTES;
  const signed: SignedCall = {
    call: {
      channel: BigInt(`0x${toHex(wordAt(2))}`),
      sender: `0x${toHex(wordAt(3).subarray(ADDRESS_START))}`,
      nonce: uint64At(4),
      gasLimit: uint64At(5),
      validUntilMs: uint64At(6),
      data: new Uint8Array(view.subarray(DATA_AT, DATA_AT + dataLength)),
    },
    signature: new Uint8Array(view.subarray(signatureStart, signatureStart + signatureLength)),
  };
  // Offsets, padding and the upper bytes of numbers: one value has one encoding.
  if (!equalBytes(encodeCallInput(signed), input)) throw invalid("not encoded as Solidity does");
  return signed;
}

function padded(length: number): number {
  return Math.ceil(length / WORD_BYTES) * WORD_BYTES;
}

function invalid(reason: string): SprfError {
  return new SprfError("MESSAGE_INVALID", `a call's input: ${reason}`);
}
