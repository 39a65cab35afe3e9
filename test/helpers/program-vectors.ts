import { Keypair } from "@stellar/stellar-sdk";

import { commitmentOf, probeNonceOf } from "../../src/domain/verdict/commitment.ts";
import { environmentOf } from "../../src/domain/program/run-environment.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { batchProposalToJson, batchVerdictToJson, signBatchProposal } from "../../src/wire/batch-proposal.ts";
import { encodeCanonical, hashOfRecordCid, recordCidOf, smallFileCidOf } from "../../src/wire/canonical.ts";
import { hashChange, signChange, type ChangeRequest, type SignedChangeOf } from "../../src/wire/change-request.ts";
import { hashAnswer, signAnswer, type ExecutionAnswer } from "../../src/wire/execution-answer.ts";
import { answerToJson, requestToJson } from "../../src/wire/execution-json.ts";
import { hashRequest, signRequest, type ExecutionRequest } from "../../src/wire/execution-request.ts";
import { encodeKeptRequest } from "../../src/wire/kept-request.ts";
import { recoveryToJson } from "../../src/wire/kept-recovery.ts";
import { consentToJson, proposalToJson } from "../../src/wire/proposal-json.ts";
import { encodeRecord, type ProgramRecord } from "../../src/wire/record.ts";
import { tipToJson } from "../../src/wire/tip-json.ts";
import { withoutUndefined } from "../../src/wire/without-undefined.ts";
import { printable } from "./printable.ts";

const filled = (value: number, length = 32): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(value);
const keyOf = (value: number): Keypair => Keypair.fromRawEd25519Seed(Buffer.from(filled(value)));

const NETWORK = "SPRF Development Network ; 2026";
const USER = keyOf(0x11);
const OWNER = keyOf(0x22);
const WORKERS = [keyOf(0x31), keyOf(0x32), keyOf(0x33)];
const MESSAGE_KEY = filled(0x41);
const PROGRAM = keyOf(0x51).publicKey();
const EMPTY = smallFileCidOf(new Uint8Array());
const STATE = smallFileCidOf(utf8("a state"));
const OUTPUT = smallFileCidOf(utf8("an output"));
const MODULE = smallFileCidOf(utf8("a module"));
const ENVELOPE = utf8("an envelope as the ledger holds it");
const VALID_UNTIL = 1_800_000_000n;
const SEQUENCE = 206_158_430_208n;

const image = { address: `wasm:${MODULE}` };
const terms = { baseFeeStroops: 1_000n, gasPriceStroops: 500n };
const limits = { memoryBytes: 2 ** 27, outputBytes: 2 ** 20, stateBytes: 2 ** 26, seconds: 5 };
const workers = WORKERS.map((key, n) => ({ address: `http://127.0.0.1:${8_001 + n}`, ledgerKey: key.publicKey() }));
const payment = { ledger: 53, ledgerHash: filled(0x61), closeTime: 1_799_999_000n };

/** Each signed or hashed format of programs once, as `test/vectors/programs/records.json` has them. */
export function programVectors(): unknown {
  const { request, signedRequest, prepaid } = requests();
  const { answer, signedAnswer } = answers(hashRequest(request));
  const { changes, recovery } = changeVectors();
  return printable({
    keys: {
      user: { seed: filled(0x11), address: USER.publicKey() },
      owner: { seed: filled(0x22), address: OWNER.publicKey() },
      workers: WORKERS.map((key, n) => ({ seed: filled(0x31 + n), address: key.publicKey() })),
      message: { privateKey: MESSAGE_KEY },
    },
    contentIds: [new Uint8Array(), utf8("a state")].map((bytes) => ({ bytes, cid: smallFileCidOf(bytes) })),
    request: {
      value: request,
      encoding: encodeCanonical(withoutUndefined(request)),
      hash: hashRequest(request),
      paymentHash: signedRequest.paymentHash,
      signature: signedRequest.signature,
      json: requestToJson(signedRequest),
      kept: encodeKeptRequest({ signed: signedRequest, payment: "AAAA" }),
    },
    prepaidRequest: { value: prepaid.request, hash: hashRequest(prepaid.request), json: requestToJson(prepaid) },
    environment: { payment, timeBefore: 0n, ...environmentOf(payment, hashRequest(request), 0n) },
    answer: {
      value: answer,
      hash: hashAnswer(answer),
      transactionHash: filled(0x71),
      signature: signedAnswer.signature,
      messageSignature: signedAnswer.messageSignature,
      transactionSignature: signedAnswer.transactionSignature,
      json: answerToJson({ signed: signedAnswer, output: utf8("an output"), detail: "" }),
    },
    changes,
    records: recordsOf(signedRequest, prepaid).map((record) => {
      const block = encodeRecord(record);
      return {
        kind: record.kind,
        value: record,
        block,
        cid: recordCidOf(block),
        memo: hashOfRecordCid(recordCidOf(block)),
      };
    }),
    batchProposal: batchProposalToJson(signBatchProposal(utf8("a record's block"), WORKERS[0]!)),
    batchVerdicts: [
      batchVerdictToJson({ kind: "signed", worker: WORKERS[1]!.publicKey(), signature: filled(0x81, 64) }),
      batchVerdictToJson({ kind: "failed", requests: ["ab".repeat(32)] }),
    ],
    proposals: [
      proposalToJson({ kind: "change", signedChange: recovery }),
      proposalToJson({ kind: "payout", ...onAccount(), shareStroops: 96_000_000n }),
      proposalToJson({ kind: "bump", ...onAccount() }),
    ],
    consent: consentToJson({
      worker: WORKERS[0]!.publicKey(),
      recordCid: recordCidOf(utf8("a record's block")),
      transactionHash: filled(0x71),
      signature: filled(0x81, 64),
    }),
    tip: tipToJson({ recordCid: recordCidOf(utf8("x")), envelope: ENVELOPE, sequence: SEQUENCE, ledger: 54 }),
    keptRecovery: recoveryToJson({
      network: NETWORK,
      program: PROGRAM,
      recordCid: recordCidOf(utf8("a recovery's block")),
      recordBlock: utf8("a recovery's block"),
      transactionXdr: "AAAA",
      signatures: new Map([[WORKERS[0]!.publicKey(), filled(0x81, 64)]]),
    }),
    verdicts: verdictVectors(),
  });
}

function requests() {
  const request: ExecutionRequest = {
    version: 1,
    network: NETWORK,
    program: PROGRAM,
    input: { bytes: new Uint8Array(utf8("an input")) },
    user: USER.publicKey(),
    nonce: filled(0x01),
    maxGas: 1_000_000n,
    validUntil: VALID_UNTIL,
    ifState: STATE,
  };
  const { ifState: _, ...rest } = request;
  const later: ExecutionRequest = { ...rest, input: { cid: MODULE }, nonce: filled(0x02), form: "prepaid" };
  return {
    request,
    signedRequest: signRequest(request, filled(0x05), USER),
    prepaid: signRequest(later, filled(0x06), USER),
  };
}

function answers(requestHash: Uint8Array) {
  const answer: ExecutionAnswer = {
    requestHash: new Uint8Array(requestHash),
    sequence: SEQUENCE,
    previousState: EMPTY,
    status: "accepted",
    outputCid: OUTPUT,
    newState: STATE,
    gas: 12_345n,
    recordCid: recordCidOf(utf8("a record's block")),
  };
  const signer = { ledgerKey: WORKERS[0]!, messagePrivateKey: MESSAGE_KEY };
  return { answer, signedAnswer: signAnswer(answer, signer, filled(0x71)) };
}

function onAccount() {
  return { network: NETWORK, program: PROGRAM, sequence: SEQUENCE, validUntil: VALID_UNTIL };
}

function changeOf(change: ChangeRequest["change"]): ChangeRequest {
  return { version: 1, ...onAccount(), change };
}

function changeVectors() {
  const given: readonly ChangeRequest[] = [
    { ...changeOf({ kind: "workers", workers, agreement: `0x${"a1".repeat(20)}` }), topUpStroops: 15_000_000n },
    changeOf({ kind: "program", image }),
    changeOf({ kind: "terms", terms }),
    changeOf({ kind: "recovery" }),
  ];
  const changes = given.map((request) => ({
    value: request,
    hash: hashChange(request),
    signature: signChange(request, OWNER).signature,
  }));
  return { changes, recovery: signChange(given[3]!, OWNER) };
}

function recordsOf(
  signedRequest: ReturnType<typeof signRequest>,
  prepaid: ReturnType<typeof signRequest>,
): readonly ProgramRecord[] {
  const signed = <K extends ChangeRequest["change"]["kind"]>(change: ChangeRequest["change"] & { kind: K }) =>
    signChange(changeOf(change), OWNER) as SignedChangeOf<K>;
  const history = {
    previous: { recordCid: recordCidOf(utf8("the record before")), envelope: new Uint8Array(ENVELOPE) },
    skipped: [new Uint8Array(utf8("one that failed"))],
  };
  const standing = { version: 1 as const, sequence: SEQUENCE, state: STATE, time: 1_799_999_000n, ...history };
  const run = { outputCid: OUTPUT, newState: STATE, gas: 12_345n };
  const seed = { time: 1_799_999_000n, seed: filled(0x62) };
  const credits = [{ user: USER.publicKey(), stroops: 490_000n, since: 1_799_999_000n }];
  const place = { network: NETWORK, program: PROGRAM, validUntil: VALID_UNTIL };
  const owned = { network: NETWORK, program: PROGRAM, owner: OWNER.publicKey() };
  return [
    { version: 1, kind: "create", ...owned, image, terms, state: EMPTY, workers },
    {
      version: 1,
      kind: "transition",
      signedRequest,
      payment,
      environment: { ...seed, sequence: SEQUENCE },
      image,
      limits,
      gasTable: 1,
      previousState: EMPTY,
      ...run,
      gasFeeStroops: 6_173n,
      ...history,
    },
    { ...standing, kind: "workers", signedChange: signed({ kind: "workers", workers }) },
    { ...standing, kind: "program", signedChange: signed({ kind: "program", image }) },
    { ...standing, kind: "terms", signedChange: signed({ kind: "terms", terms }) },
    {
      ...standing,
      kind: "payout",
      ...place,
      shareStroops: 96_000_000n,
      workers: workers.map(({ ledgerKey }) => ledgerKey),
    },
    { ...standing, kind: "bump", ...place },
    {
      version: 1,
      kind: "batch",
      ...place,
      sequence: SEQUENCE,
      image,
      terms,
      limits,
      gasTable: 1,
      previousState: EMPTY,
      newState: STATE,
      inputs: [
        {
          signedRequest: prepaid,
          payment,
          paidStroops: 501_000n,
          environment: seed,
          status: "accepted",
          ...run,
          chargedStroops: 11_000n,
        },
      ],
      ...history,
      credits,
    },
    { ...standing, kind: "refund", ...place, payments: [{ user: USER.publicKey(), stroops: 490_000n }] },
    {
      ...standing,
      kind: "return",
      ...place,
      returned: [{ signedRequest: prepaid, payment, paidStroops: 501_000n, returnedStroops: 500_000n }],
      credits,
    },
    { version: 1, kind: "recovery", signedChange: signed({ kind: "recovery" }) },
  ];
}

function verdictVectors() {
  const duty = {
    agreement: `0x${"a1".repeat(20)}`,
    epoch: 3,
    tester: `0x${"b2".repeat(20)}`,
    salt: filled(0x91),
  };
  const report = { ...duty, verdicts: ["ok", "unreachable", "wrong"] as const, evidenceCid: OUTPUT };
  return { report, commitment: commitmentOf(report), probeNonce: probeNonceOf(duty) };
}
