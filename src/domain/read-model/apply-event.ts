import type { LoggedEvent, MarketConstants } from "../../ports/event-log.ts";
import { applyAgreementEvent, compensate, createAgreement, recordAgreement, requiredAgreement } from "./agreements.ts";
import { addCharge, applyBondWithdrawal, applyDisputeEvent } from "./disputes.ts";
import { TABLES, keys } from "./rows.ts";
import { applyTesterEvent } from "./testers.ts";
import type { ModelView } from "./view.ts";
import { addRecord, applyWorkerEvent } from "./workers.ts";

/**
 * Brings the read model from before an event to after it. Events come in the order of the chain, each once.
 *
 * @throws SprfError `EVENTS_MISSING` when an earlier event must have been left out
 */
export async function applyEvent(view: ModelView, at: LoggedEvent, constants: MarketConstants): Promise<void> {
  const { event } = at;
  switch (event.name) {
    case "TwinRegistered":
    case "TwinUpdated": {
      const { twinId, account } = event;
      const version = event.name === "TwinUpdated" ? event.version : 1;
      view.put(TABLES.twins, keys.number(twinId), { twinId, account, version });
      view.put(TABLES.twinOf, keys.account(account), { id: twinId });
      return;
    }
    case "WorkerRegistered":
    case "WorkerUpdated":
    case "WorkerPaused":
    case "WorkerUnpaused":
    case "WorkerUnregistered":
    case "StakeAdded":
    case "StakeUnbonding":
    case "StakeWithdrawn":
    case "WorkerAssigned":
    case "LockExtended":
    case "WorkerReleased":
      await applyWorkerEvent(view, at, event);
      return;
    case "WorkerSlashed":
      await applyWorkerEvent(view, at, event);
      await compensate(view, at, event.agreement, event.toClientWei);
      return;
    case "RecordAdded":
      await addRecord(view, at, event, constants);
      return;
    case "AgreementCreated":
      await createAgreement(view, at, event);
      return;
    case "AgreementFinalized":
      await recordAgreement(view, at, event.agreement);
      return;
    case "PurchaseRejected":
      // Nothing was bought and everything went back.
      return;
    case "TesterRegistered":
    case "TesterUpdated":
    case "TesterUnregistered":
    case "TesterStakeUnbonding":
    case "TesterStakeWithdrawn":
    case "DutyMissed":
    case "FeesWithdrawn":
      await applyTesterEvent(view, at, event);
      return;
    case "TesterCharged":
      await applyTesterEvent(view, at, event);
      if (event.overturned) await addCharge(view, await requiredAgreement(view, event.agreement), event.amountWei);
      return;
    case "ProgramBound":
    case "EpochOpened":
    case "EpochSettled":
    case "Extended":
    case "Terminated":
    case "WorkerResigned":
    case "Withdrawn":
    case "Finalized":
      await applyAgreementEvent(view, at, event);
      return;
    case "Appealed":
    case "PanelRevealed":
    case "AppealResolved":
    case "Challenged":
    case "ChallengeAnswered":
    case "ReportStruck":
      await applyDisputeEvent(view, at, event, await requiredAgreement(view, event.agreement), constants);
      return;
    case "BondWithdrawn":
      await applyBondWithdrawal(view, at, event);
      return;
    default:
      event satisfies never;
  }
}
