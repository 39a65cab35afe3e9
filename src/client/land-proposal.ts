import { CHANGE_FEE_STROOPS } from "../domain/program/fee-ladder.ts";
import type { SmartAccount } from "../domain/program/smart-account.ts";
import { isRecovered } from "../domain/program/smart-account.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { loadProposed, prepareProposal, type ProposalComponents } from "../execution/prepare-proposal.ts";
import type { Clock } from "../ports/clock.ts";
import type { LandedTransaction } from "../ports/ledger.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { placeOf, type Proposal } from "../wire/proposal.ts";
import { anchor } from "./anchor.ts";
import { askConsents } from "./ask-consents.ts";
import type { Wallet } from "./wallet.ts";

const MS_PER_SECOND = 1_000;
/** A busy program moves on while a proposal goes round; it is made anew so many times. */
const MAX_TRIES = 8;
const CONTENDED_MS = 250;

export interface LandComponents extends ProposalComponents {
  readonly clock: Clock;
  readonly workerApi: WorkerApi;
}

/** A proposal that landed. */
export interface LandedProposal {
  readonly transactionHash: string;
  /** Number of the ledger that holds it. */
  readonly ledger: number;
  /** CID of its record. */
  readonly recordCid: string;
}

/**
 * Brings a proposal onto the ledger: asks all workers, takes as many signatures as the ledger counts, pays the fee. When something
 * else landed first, makes the proposal anew for the account's new sequence and tries again.
 *
 * @param parts `wallet` pays the fee; `propose` makes the proposal for a sequence
 * @throws SprfError `NO_MAJORITY`, `SEQUENCE_MOVED` when others were faster each time, and what preparing and anchoring throw
 */
export async function landProposal(
  components: LandComponents,
  {
    wallet,
    propose,
  }: {
    readonly wallet: Wallet;
    readonly propose: (options: { signal?: AbortSignal | undefined }) => Promise<Proposal>;
  },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<LandedProposal> {
  for (let attempt = 1; ; attempt++) {
    try {
      const landed = await tryToLand(components, { wallet, proposal: await propose({ signal }) }, signal);
      if (landed !== undefined) return landed;
      if (attempt >= MAX_TRIES) throw new SprfError("SEQUENCE_MOVED", `others were faster ${MAX_TRIES} times`);
    } catch (error) {
      if (!isSprfError(error, "SEQUENCE_MOVED") || attempt >= MAX_TRIES) throw error;
    }
    await components.clock.sleep(CONTENDED_MS, { signal });
  }
}

async function tryToLand(
  components: LandComponents,
  { wallet, proposal }: { readonly wallet: Wallet; readonly proposal: Proposal },
  signal: AbortSignal | undefined,
): Promise<LandedProposal | undefined> {
  const { ledger, content, clock } = components;
  const nowSeconds = Math.floor(clock.now() / MS_PER_SECOND);
  const account = await loadProposed(ledger, proposal, { nowSeconds, signal });
  const prepared = await prepareProposal(components, { proposal, account }, { nowSeconds, signal });
  const signatures = await signaturesFor(components, { proposal, account, prepared }, signal);
  await content.putRecord(prepared.recordBlock, { signal });
  const { transaction, recordCid } = prepared;
  const landed: LandedTransaction | undefined = await anchor(
    components,
    {
      transaction,
      program: account,
      wallet,
      signatures,
      maxTime: Number(placeOf(proposal).validUntil),
      maxFeeStroops: CHANGE_FEE_STROOPS,
    },
    { signal },
  );
  return landed === undefined ? undefined : { transactionHash: landed.hash, ledger: landed.ledger, recordCid };
}

/** Of an account that its owner recovered, the owner signs alone. */
async function signaturesFor(
  components: LandComponents,
  parts: {
    readonly proposal: Proposal;
    readonly account: SmartAccount;
    readonly prepared: Awaited<ReturnType<typeof prepareProposal>>;
  },
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Uint8Array>> {
  if (isRecovered(parts.account.snapshot)) return new Map();
  return await askConsents(components, parts, { signal });
}
