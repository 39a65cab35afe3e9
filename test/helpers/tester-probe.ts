import { Keypair } from "@stellar/stellar-sdk";

import type { TwinKeys } from "../../src/domain/identity/keys.ts";
import { stateKey, type ProbeParts, type ProbeResult, type WorkerSaid } from "../../src/tester/probe.ts";
import { equalBytes } from "../../src/utils/bytes.ts";
import { signAnswer, type ExecutionAnswer } from "../../src/wire/execution-answer.ts";
import { hashRequest, signRequest } from "../../src/wire/execution-request.ts";

/** Any two states. */
export const STATES = [
  "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
  "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
] as const;

/** How the workers of a test behave, by their place among those given. */
export interface Behaviour {
  readonly dead?: readonly number[];
  readonly lying?: readonly number[];
}

/** What a prober would come back with from such workers; what they say is really signed. */
export function probeWorkers(
  { program, nonce, workers: asked }: Pick<ProbeParts, "program" | "nonce" | "workers">,
  workers: readonly TwinKeys[],
  behaviour: Behaviour,
): ProbeResult {
  if (program === undefined) return { kind: "none", reason: "NOT_BOUND" };
  const user = Keypair.random();
  const signed = signRequest(
    {
      version: 1,
      network: "test",
      program,
      input: { bytes: new Uint8Array(0) },
      user: user.publicKey(),
      nonce: new Uint8Array(nonce),
      maxGas: 1n,
      validUntil: 1n,
    },
    new Uint8Array(32),
    user,
  );
  const answer: ExecutionAnswer = {
    requestHash: new Uint8Array(hashRequest(signed.request)),
    sequence: 7n,
    previousState: STATES[0],
    status: "accepted",
    outputCid: STATES[0],
    newState: STATES[0],
    gas: 1n,
  };
  const account = { sequence: 7n, state: STATES[0] } as Extract<WorkerSaid, { kind: "answer" }>["account"];
  const said = asked.map(({ messageKey }): WorkerSaid => {
    const index = workers.findIndex((keys) => equalBytes(keys.messageKey, messageKey));
    const keys = workers[index];
    if (keys === undefined) throw new Error("an unknown worker was asked");
    if (behaviour.dead?.includes(index)) return { kind: "silent", code: "WORKER_UNREACHABLE" };
    const claim = behaviour.lying?.includes(index) ? { ...answer, newState: STATES[1] } : answer;
    const signer = { ledgerKey: keys.ledgerKeypair, messagePrivateKey: keys.messagePrivateKey };
    return { kind: "answer", signed: signAnswer(claim, signer, undefined), account };
  });
  const own = new Map([[stateKey({ sequence: 7n, state: STATES[0] }), { kind: "agreed" as const, answer }]]);
  return { kind: "asked", engine: "wasi", digest: undefined, signed, said, own };
}
