import type { Keypair } from "@stellar/stellar-sdk";

import { checkWaiting } from "../../domain/program/payout.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError } from "../../errors.ts";
import { loadProposed, prepareProposal, type ProposalComponents } from "../../execution/prepare-proposal.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { verifyChange, type SignedChange } from "../../wire/change-request.ts";
import { toHex } from "../../utils/bytes.ts";
import { placeOf, type Consent, type Proposal } from "../../wire/proposal.ts";
import type { ConsentedRecords } from "./consented-records.ts";

const MS_PER_SECOND = 1_000;

export interface ConsentComponents extends ProposalComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ledgerKey: Keypair;
  readonly consented: ConsentedRecords;
  /**
   * Ledger keys (`G...`) of the workers of a running agreement that is bound to the program; undefined when the market knows no
   * such agreement.
   */
  workersOf(agreement: string, program: string): Promise<ReadonlySet<string> | undefined>;
  /** What was prepaid for the requests to a program that wait at this worker. */
  waitingStroops(program: string): bigint;
}

/**
 * Consents to proposals about accounts that name this worker: it builds the record and the transaction itself, keeps the record, and
 * signs what it built, never what it was given.
 */
export function createConsent(components: ConsentComponents): (proposal: Proposal) => Promise<Consent> {
  const { ledger, content, clock, ledgerKey, logger } = components;

  async function checkAgreement(account: SmartAccount, { request }: SignedChange): Promise<void> {
    const { change } = request;
    if (change.kind !== "workers" || change.agreement === undefined) return;
    const bound = await components.workersOf(change.agreement, account.id);
    if (bound === undefined) {
      throw new SprfError("WORKER_NOT_BOUND", `no running agreement ${change.agreement} is bound to ${account.id}`);
    }
    const present = new Set(account.workers.map((worker) => worker.ledgerKey));
    const stranger = change.workers.find((worker) => !present.has(worker.ledgerKey) && !bound.has(worker.ledgerKey));
    if (stranger === undefined) return;
    throw new SprfError("WORKER_NOT_BOUND", `${stranger.ledgerKey} is no worker of agreement ${change.agreement}`);
  }

  return async (proposal) => {
    const nowSeconds = Math.floor(clock.now() / MS_PER_SECOND);
    const account = await loadProposed(ledger, proposal, { nowSeconds });
    const own = ledgerKey.publicKey();
    if (!account.workers.some((worker) => worker.ledgerKey === own)) {
      throw new SprfError("REQUEST_NOT_SERVED", `${account.id} does not name this worker`);
    }
    if (proposal.kind === "change" && account.owner !== undefined) {
      // Before the market is asked on anybody's behalf.
      verifyChange(proposal.signedChange, account.owner);
      await checkAgreement(account, proposal.signedChange);
    }
    if (proposal.kind === "payout") checkWaiting(components.waitingStroops(account.id));
    const { recordBlock, recordCid, transaction } = await prepareProposal(
      components,
      { proposal, account },
      { nowSeconds },
    );
    const hash = new Uint8Array(transaction.hash());
    if (isRecoveryChange(proposal)) await content.putRecord(recordBlock);
    else {
      const { validUntil } = placeOf(proposal);
      await components.consented.keep(recordBlock, { recordCid, transactionHash: toHex(hash), validUntil });
    }
    logger.info("consented to a proposal", {
      program: account.id,
      kind: proposal.kind === "change" ? proposal.signedChange.request.change.kind : proposal.kind,
      sequence: placeOf(proposal).sequence.toString(),
    });
    return {
      worker: own,
      recordCid,
      transactionHash: hash,
      signature: new Uint8Array(ledgerKey.sign(Buffer.from(hash))),
    };
  };
}

/** What may land in years is kept for good. */
function isRecoveryChange(proposal: Proposal): boolean {
  return proposal.kind === "change" && proposal.signedChange.request.change.kind === "recovery";
}
