import { Asset, Operation, type Transaction, type xdr } from "@stellar/stellar-sdk";

import { SprfError } from "../../errors.ts";
import type { ChangeRequest, ProgramChange } from "../../wire/change-request.ts";
import { BASE_RESERVE_STROOPS, checkTerms, entriesOf, type SmartAccountTerms } from "./account-terms.ts";
import { programTransaction } from "./program-transaction.ts";
import { majorityOf, programReference, type SmartAccount } from "./smart-account.ts";
import { formatStroops } from "./stroops.ts";

/** What a change request may ask of the account itself; a recovery changes nothing now. */
export type AccountChange = Exclude<ProgramChange, { kind: "recovery" }>;

/**
 * What the account shall say after the change.
 *
 * @throws SprfError `INVALID_INPUT` for a change that nobody could use the account after, or that changes nothing
 */
export function termsAfter(account: SmartAccount, change: AccountChange): SmartAccountTerms {
  const { state, baseFeeStroops, gasPriceStroops, owner, workers, program } = account;
  const now = { program, state, baseFeeStroops, gasPriceStroops, workers, ...(owner === undefined ? {} : { owner }) };
  const after: SmartAccountTerms =
    change.kind === "workers"
      ? { ...now, workers: change.workers }
      : change.kind === "terms"
        ? { ...now, ...change.terms }
        : { ...now, program: referenceOf(change.image) };
  checkTerms(after);
  if (after.workers.some(({ ledgerKey }) => ledgerKey === account.id)) {
    throw new SprfError("INVALID_INPUT", "a program cannot be its own worker: its key counts for nothing");
  }
  if (operationsFor(account, after).length === 0) {
    throw new SprfError("INVALID_INPUT", "the account says this already: the change changes nothing");
  }
  return after;
}

/** What the account holds back more after the change than now, in stroops; negative when it holds back less. */
export function addedReserveStroops(account: SmartAccount, after: SmartAccountTerms): bigint {
  const { data, account: held } = account.snapshot;
  const subentries = entriesOf(after).length + after.workers.length - data.size - held.signers.length;
  return BigInt(subentries) * BASE_RESERVE_STROOPS;
}

/**
 * The one transaction that makes a change: what goes first, then what comes, so that reserve and the number of signers suffice at
 * each step; signatures are counted before all steps. Entries and signers that stay are not touched.
 */
export function buildChangeTransaction(parts: {
  readonly account: SmartAccount;
  readonly after: SmartAccountTerms;
  readonly request: ChangeRequest;
  readonly recordCid: string;
}): Transaction {
  const { account, after, request } = parts;
  const builder = programTransaction({
    network: request.network,
    program: account.id,
    sequence: request.sequence,
    recordCid: parts.recordCid,
    maxTime: request.validUntil,
  });
  const { topUpStroops = 0n } = request;
  if (topUpStroops > 0n) {
    builder.addOperation(
      Operation.payment({
        source: ownerOf(account),
        destination: account.id,
        asset: Asset.native(),
        amount: formatStroops(topUpStroops),
      }),
    );
  }
  for (const operation of operationsFor(account, after)) builder.addOperation(operation);
  return builder.build();
}

function operationsFor(account: SmartAccount, after: SmartAccountTerms): readonly xdr.Operation[] {
  const entries = new Map(entriesOf(after));
  const { data, account: held } = account.snapshot;
  const text = new TextDecoder();
  const wanted = new Set(after.workers.map(({ ledgerKey }) => ledgerKey));
  const majority = majorityOf(after.workers.length);
  const { master, low, medium, high } = held.thresholds;
  return [
    ...[...data.keys()]
      .filter((name) => !entries.has(name))
      .sort()
      .map((name) => Operation.manageData({ name, value: null })),
    ...held.signers.filter(({ key }) => !wanted.has(key)).map(({ key }) => setSigner(key, 0)),
    ...[...entries]
      .filter(([name, value]) => text.decode(data.get(name)?.value) !== value)
      .map(([name, value]) => Operation.manageData({ name, value })),
    ...[...wanted]
      .filter((key) => held.signers.find((signer) => signer.key === key)?.weight !== 1)
      .map((key) => setSigner(key, 1)),
    ...(master === 0 && [low, medium, high].every((threshold) => threshold === majority)
      ? []
      : [
          Operation.setOptions({
            masterWeight: 0,
            lowThreshold: majority,
            medThreshold: majority,
            highThreshold: majority,
          }),
        ]),
  ];
}

function setSigner(ed25519PublicKey: string, weight: number): xdr.Operation {
  return Operation.setOptions({ signer: { ed25519PublicKey, weight } });
}

function referenceOf({
  address,
  digest,
}: Extract<ProgramChange, { kind: "program" }>["image"]): SmartAccountTerms["program"] {
  const reference = programReference(address, digest);
  if (reference !== undefined) return reference;
  throw new SprfError("INVALID_INPUT", `${address} names no program that is pinned by digest or CID`);
}

function ownerOf({ id, owner }: SmartAccount): string {
  if (owner !== undefined) return owner;
  throw new SprfError("PROGRAM_IMMUTABLE", `${id} has no owner, so nobody can change it`);
}
