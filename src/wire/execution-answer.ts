import type { Keypair } from "@stellar/stellar-sdk";
import { SigningKey, TypedDataEncoder, computeAddress, hexlify, recoverAddress } from "ethers";
import { z } from "zod";

import { SprfError } from "../errors.ts";
import { verifyByAccount } from "../utils/ed25519.ts";
import { encodeCanonical, hashWithDomain } from "./canonical.ts";
import { bytesOf, cidSchema, ledgerAddressSchema, uint64Schema } from "./primitives.ts";

/** What a worker says of one run (design: programs, Execution 5). */
export const executionAnswerSchema = z.strictObject({
  requestHash: bytesOf(32),
  /** The smart account's sequence when the run started; a transition has the next one. */
  sequence: uint64Schema,
  previousState: cidSchema,
  /** `out-of-gas`: the run was good but costs more than the request's maxGas. */
  status: z.enum(["accepted", "rejected", "out-of-gas"]),
  outputCid: cidSchema,
  /** Equal to `previousState` when nothing changed. */
  newState: cidSchema,
  gas: uint64Schema,
  /** The transition record; absent when nothing changed. */
  recordCid: cidSchema.optional(),
});

export type ExecutionAnswer = z.output<typeof executionAnswerSchema>;

/** An answer with both signatures of its worker and, for a transition, its signature on the transaction. */
export const signedAnswerSchema = z.strictObject({
  answer: executionAnswerSchema,
  /** The worker's ledger key. */
  worker: ledgerAddressSchema,
  /** By the ledger key, over `hashAnswer`. */
  signature: bytesOf(64),
  /** By the message key, EIP-712, so that contracts can recover it. */
  messageSignature: bytesOf(65),
  /** By the ledger key, over the hash of the transition's transaction. */
  transactionSignature: bytesOf(64).optional(),
});

export type SignedAnswer = z.output<typeof signedAnswerSchema>;

/** EIP-712 domain of answers: they concern no chain of Ethereum, so it names none. */
const ANSWER_DOMAIN = { name: "SPRF", version: "1" };

const ANSWER_TYPES = {
  Answer: [
    { name: "requestHash", type: "bytes32" },
    { name: "sequence", type: "uint64" },
    { name: "previousState", type: "string" },
    { name: "status", type: "string" },
    { name: "outputCid", type: "string" },
    { name: "newState", type: "string" },
    { name: "gas", type: "uint64" },
    { name: "recordCid", type: "string" },
  ],
};

/**
 * 32 bytes: sha256("sprf/answer/1" || canonical dag-cbor of the list requestHash, sequence, previousState, status, outputCid,
 * newState, gas, recordCid). A list, because fields joined without lengths could be cut elsewhere.
 */
export function hashAnswer(answer: ExecutionAnswer): Uint8Array {
  const fields = [
    answer.requestHash,
    answer.sequence,
    answer.previousState,
    answer.status,
    answer.outputCid,
    answer.newState,
    answer.gas,
    answer.recordCid ?? null,
  ];
  return hashWithDomain("sprf/answer/1", encodeCanonical(fields));
}

export interface AnswerSigner {
  readonly ledgerKey: Keypair;
  /** 32 bytes. */
  readonly messagePrivateKey: Uint8Array;
}

export function signAnswer(
  answer: ExecutionAnswer,
  signer: AnswerSigner,
  transactionHash: Uint8Array | undefined,
): SignedAnswer {
  const typed = new SigningKey(hexlify(signer.messagePrivateKey)).sign(typedHash(answer));
  return {
    answer,
    worker: signer.ledgerKey.publicKey(),
    signature: new Uint8Array(signer.ledgerKey.sign(hashAnswer(answer))),
    messageSignature: new Uint8Array(Buffer.from(typed.serialized.slice(2), "hex")),
    ...(transactionHash === undefined
      ? {}
      : { transactionSignature: new Uint8Array(signer.ledgerKey.sign(transactionHash)) }),
  };
}

/** Checks the ledger key's signature. @throws SprfError `ANSWER_INVALID` */
export function verifyAnswer(signed: SignedAnswer): void {
  if (!verifyByAccount(signed.worker, hashAnswer(signed.answer), signed.signature)) {
    throw new SprfError("ANSWER_INVALID", `the answer is not signed by ${signed.worker}`);
  }
}

/** True when `messageSignature` is by this message key (64 bytes): evidence that a contract can check too. */
export function isAnswerOf(signed: SignedAnswer, messageKey: Uint8Array): boolean {
  try {
    const expected = computeAddress(`0x04${Buffer.from(messageKey).toString("hex")}`);
    return recoverAddress(typedHash(signed.answer), hexlify(signed.messageSignature)) === expected;
  } catch {
    return false;
  }
}

function typedHash(answer: ExecutionAnswer): string {
  return TypedDataEncoder.hash(ANSWER_DOMAIN, ANSWER_TYPES, {
    requestHash: answer.requestHash,
    sequence: answer.sequence,
    previousState: answer.previousState,
    status: answer.status,
    outputCid: answer.outputCid,
    newState: answer.newState,
    gas: answer.gas,
    recordCid: answer.recordCid ?? "",
  });
}
