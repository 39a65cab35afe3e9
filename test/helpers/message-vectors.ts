import { SigningKey, TypedDataEncoder } from "ethers";

import { toHex, utf8 } from "../../src/utils/bytes.ts";
import { publicKeyOf } from "../../src/utils/secp256k1.ts";
import { encodeAddressMessage, type AddressMessage } from "../../src/wire/address.ts";
import { smallFileCidOf } from "../../src/wire/canonical.ts";
import { encodeGridMessage, type GridMessage } from "../../src/wire/grid/messages.ts";
import { signerOfCommit } from "../../src/wire/signed-commit.ts";
import { encodeTesterMessage, testersTopicOf, type TesterMessage } from "../../src/wire/tester-messages.ts";
import { contactTopicOf, gridTopicOf, replyTopicOf } from "../../src/wire/topics.ts";
import { printable } from "./printable.ts";

const filled = (value: number, length = 32): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(value);
const messageKeyOf = (value: number): Uint8Array<ArrayBuffer> => new Uint8Array(publicKeyOf(filled(value)));

const ASKER = messageKeyOf(0x11);
const ASKED = messageKeyOf(0x22);
const REPLY_KEY = messageKeyOf(0x33);
const AGREEMENT = filled(0xa1, 20);
const REPLY_TOPIC = replyTopicOf(filled(0x01, 16));
const LISTENS_AT = "/ip4/127.0.0.1/tcp/60000/p2p/16Uiu2HAm1GDbtPp9fn133JqAeMJh2PUJTGfxAgL9BEZGYoaY9UqU";
const ISSUED_AT = 1_800_000_000_000;
const times = { issuedAt: ISSUED_AT, expiresAt: ISSUED_AT + 60_000 };

/** Messages that find workers and that testers exchange, as `test/vectors/market/messages.json` has them. */
export function marketVectors(): unknown {
  const header = { version: 1 as const, agreement: AGREEMENT, ...times };
  const asked = { ...header, id: filled(0x02, 16), from: ASKER, to: ASKED };
  const answered = { ...header, id: filled(0x03, 16), from: ASKED, to: ASKER, inReplyTo: asked.id };
  const address: readonly AddressMessage[] = [
    { kind: "address-request", ...asked, replyTopic: REPLY_TOPIC, replyKey: REPLY_KEY },
    {
      kind: "address-reply",
      ...answered,
      apiUrl: "https://worker.example",
      ledgerKey: filled(0x04),
      multiaddrs: [LISTENS_AT],
    },
    { kind: "address-acknowledgement", ...asked, id: filled(0x05, 16), inReplyTo: answered.id },
  ];
  const evidenceCid = smallFileCidOf(utf8("evidence"));
  const between = { ...asked, epoch: 3 };
  const commit = signedCommit(filled(0x06));
  const testers: readonly TesterMessage[] = [
    { kind: "tester-commit", ...between, seat: 1, commitment: commit.commitment, signature: commit.signature },
    { kind: "tester-report", ...between, seat: 1, verdicts: 36n, evidenceCid, salt: filled(0x07) },
    { kind: "evidence-request", ...between, evidenceCid },
    { kind: "evidence", ...between, inReplyTo: filled(0x08, 16), block: new Uint8Array(utf8("evidence")) },
  ];
  return printable({
    keys: [
      { privateKey: filled(0x11), messageKey: ASKER },
      { privateKey: filled(0x22), messageKey: ASKED },
    ],
    topics: {
      contact: contactTopicOf(ASKED),
      grid: gridTopicOf(ASKED),
      reply: { name: filled(0x01, 16), topic: REPLY_TOPIC },
      testers: testersTopicOf(AGREEMENT),
    },
    address: address.map((value) => ({ value, payload: encodeAddressMessage(value) })),
    testers: testers.map((value) => ({ value, payload: encodeTesterMessage(value) })),
    signedCommit: commit,
  });
}

/** Messages between users and nodes, as `test/vectors/grid-messages/messages.json` has them. */
export function gridMessageVectors(): unknown {
  const about = { version: 1 as const, chainId: 31_337n, grid: filled(0xc1, 20), contractId: 7n, ...times };
  const asked = { ...about, id: filled(0x02, 16), from: ASKER, to: ASKED };
  const request = { ...asked, replyTopic: REPLY_TOPIC, replyKey: REPLY_KEY };
  const reply = { ...about, id: filled(0x03, 16), from: ASKED, to: ASKER, inReplyTo: asked.id };
  const block = { kind: "block" as const, cid: smallFileCidOf(utf8("sealed")), bytes: 6 };
  const deploymentHash = filled(0x09);
  const messages: readonly GridMessage[] = [
    { kind: "deploy", ...request, deployment: { kind: "inline", body: new Uint8Array(utf8("a body")) } },
    { kind: "update", ...request, deployment: block },
    { kind: "delete", ...request },
    { kind: "status", ...request },
    { kind: "logs", ...request, container: "db", follow: true, tailLines: 100, window: 4 },
    { kind: "logs-renew", ...asked, stream: asked.id, next: 5 },
    { kind: "logs-end", ...asked, stream: asked.id },
    { kind: "progress", ...reply, step: "fetching", container: "db", percent: 50 },
    { kind: "done", ...reply, deploymentHash },
    {
      kind: "status-reply",
      ...reply,
      state: "running",
      deploymentHash,
      containers: [{ name: "db", state: "running", health: "healthy", restarts: 0, outOfMemory: false }],
      publicIps: ["192.0.2.1"],
      multiaddrs: [LISTENS_AT],
    },
    { kind: "refused", ...reply, code: "busy", detail: "" },
    {
      kind: "log-chunk",
      ...reply,
      sequence: 0,
      entries: [{ stream: "stdout", atMs: ISSUED_AT, bytes: new Uint8Array(utf8("ready\n")) }],
      last: false,
    },
    { kind: "acknowledgement", ...reply },
  ];
  return printable(messages.map((value) => ({ value, payload: encodeGridMessage(value) })));
}

function signedCommit(privateKey: Uint8Array): {
  readonly privateKey: Uint8Array;
  readonly chainId: bigint;
  readonly agreement: string;
  readonly epoch: number;
  readonly commitment: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
  readonly signer: string | undefined;
} {
  const place = { chainId: 31_337n, agreement: `0x${toHex(AGREEMENT)}`, epoch: 3 };
  const commitment = filled(0x0a);
  const digest = TypedDataEncoder.hash(
    { name: "SPRF WorkAgreement", version: "1", chainId: place.chainId, verifyingContract: place.agreement },
    {
      Commit: [
        { name: "epoch", type: "uint256" },
        { name: "commitment", type: "bytes32" },
      ],
    },
    { epoch: place.epoch, commitment },
  );
  const { serialized } = new SigningKey(privateKey).sign(digest);
  const signature = new Uint8Array(Buffer.from(serialized.slice(2), "hex"));
  return { privateKey, ...place, commitment, signature, signer: signerOfCommit({ commitment, signature }, place) };
}
