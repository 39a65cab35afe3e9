import { Keypair } from "@stellar/stellar-sdk";
import { AbiCoder, getBytes, hexlify, keccak256, type Wallet } from "ethers";

import { answerProofOf } from "../../../src/wire/answer-proof.ts";
import { recordCidOf, smallFileCidOf } from "../../../src/wire/canonical.ts";
import { type ExecutionAnswer, signAnswer } from "../../../src/wire/execution-answer.ts";
import { type ExecutionRequest, hashRequest } from "../../../src/wire/execution-request.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import type { AnswerProofStruct } from "../../../typechain-types/market/Disputes.ts";
import { SALT } from "./market.ts";

const user = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 1));
const program = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 2));
/** What an agreement has to be bound to for {@link REQUEST_WITHOUT_NONCE}. */
export const PROGRAM_KEY = hexlify(program.rawPublicKey());
const ledgerKey = Keypair.fromRawEd25519Seed(Buffer.alloc(32, 3));

/** A request as any user sends it, but for its nonce. */
export const REQUEST_WITHOUT_NONCE: Omit<ExecutionRequest, "nonce"> = {
  version: 1,
  network: "Standalone Network ; February 2017",
  program: program.publicKey(),
  input: { bytes: new Uint8Array(utf8("probe")) },
  user: user.publicKey(),
  maxGas: 1_000n,
  validUntil: 2_000_000_000n,
};

/** An answer as a worker gives it, but for the request that it is about. */
export const ANSWER_WITHOUT_REQUEST: Omit<ExecutionAnswer, "requestHash"> = {
  sequence: 7n,
  previousState: smallFileCidOf(utf8("previous state")),
  status: "accepted",
  outputCid: smallFileCidOf(utf8("output")),
  newState: smallFileCidOf(utf8("new state")),
  gas: 42n,
  recordCid: recordCidOf(utf8("record")),
};

/** Whose probe of which epoch a request is. */
export interface Probe {
  readonly agreement: string;
  readonly epoch: bigint;
  readonly tester: string;
  readonly salt?: string;
}

/** The nonce of a tester's probe. */
export function probeNonce({ agreement, epoch, tester, salt = SALT }: Probe): Uint8Array<ArrayBuffer> {
  const encoded = AbiCoder.defaultAbiCoder().encode(
    ["address", "uint256", "address", "bytes32"],
    [agreement, epoch, tester, salt],
  );
  return new Uint8Array(getBytes(keccak256(encoded)));
}

/** A proof as `answerChallenge` takes it. */
export type Proof = AnswerProofStruct;

/** What `answerChallenge` wants: a request with the probe's nonce, and the worker's signed answer to it. */
export function answerProof(
  probe: Probe,
  messageKey: Wallet,
  request: Omit<ExecutionRequest, "nonce"> = REQUEST_WITHOUT_NONCE,
  answer: Omit<ExecutionAnswer, "requestHash"> = ANSWER_WITHOUT_REQUEST,
): Proof {
  return proofOf({ ...request, nonce: probeNonce(probe) }, probe.salt ?? SALT, messageKey, answer);
}

/** The answer to whatever request, shown with whatever salt. */
export function proofOf(
  request: ExecutionRequest,
  salt: string,
  messageKey: Wallet,
  answer: Omit<ExecutionAnswer, "requestHash"> = ANSWER_WITHOUT_REQUEST,
): Proof {
  const requestHash = new Uint8Array(hashRequest(request));
  const messagePrivateKey = getBytes(messageKey.privateKey);
  const signed = signAnswer({ ...answer, requestHash }, { ledgerKey, messagePrivateKey }, undefined);
  const proof = answerProofOf({ request, signed, salt: getBytes(salt) });
  return {
    ...proof,
    salt: hexlify(proof.salt),
    request: { ...proof.request, input: hexlify(proof.request.input) },
    signature: hexlify(proof.signature),
  };
}
