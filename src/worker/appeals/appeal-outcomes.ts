import { decideAppeal } from "../../domain/appeal/decide-appeal.ts";
import { encodeDefence } from "../../domain/appeal/defence.ts";
import { isWorthwhile } from "../../domain/worthwhile.ts";
import { isSprfError, messageOf } from "../../errors.ts";
import type { Agreement, Chain } from "../../ports/chain.ts";
import type { Store } from "../../ports/store.ts";
import { fromHex } from "../../utils/bytes.ts";
import { epochPayWei } from "../agreements/collect-pay.ts";
import type { Look } from "../agreements/follow-agreements.ts";
import { createAppealStore } from "./appeal-store.ts";
import { examineAccusation, type AccusationComponents } from "./examine-accusation.ts";

/** Gas of an appeal and of getting its bond back. */
const APPEAL_GAS = 300_000n;
const WITHDRAW_BOND_GAS = 60_000n;
/** Bonds are looked for this often, at least. */
const BONDS_EVERY_BLOCKS = 300;

export interface AppealComponents extends AccusationComponents {
  readonly chain: Chain;
  readonly store: Store;
}

export interface AppealInit {
  readonly workerId: number;
  /** How many times its gas a withdrawal has to bring. */
  readonly withdrawFactor: number;
}

/** Looks into outcomes against a worker and appeals the wrong ones. */
export interface AppealWatcher {
  /** Begins what there is to do at this block; it goes on in the background. */
  onLook(look: Look): void;
  /** Ends what goes on; it is taken up again by the next watcher on the same store. */
  stop(): Promise<void>;
}

/**
 * Watches the outcomes of a worker's epochs while they can be appealed. Where testers say that it was unreachable or wrong, it
 * looks into their evidence and its own answers, and appeals with what it found when that is worth the bond.
 */
export function watchOutcomes(components: AppealComponents, { workerId, withdrawFactor }: AppealInit): AppealWatcher {
  const { chain, content } = components;
  const logger = components.logger.child({ component: "appeals" });
  const entries = createAppealStore(components.store);
  const life = new AbortController();
  const { signal } = life;
  const parts = { ...components, logger };
  /** First epoch of an agreement that is still to be looked at. */
  const nextEpoch = new Map<string, number>();
  let working: Promise<void> | undefined;
  let bondsFrom = 0;

  async function attend(agreement: Agreement, block: number): Promise<void> {
    const { address, epochCount, epochLengthBlocks } = agreement;
    let epoch = nextEpoch.get(address);
    if (epoch === undefined) {
      const { appealTo } = await chain.windowsOf(address, 0, { signal });
      epoch = Math.min(Math.max(0, Math.floor((block - appealTo) / epochLengthBlocks)), epochCount - 1);
    }
    for (; epoch < epochCount; epoch++) {
      const { appealFrom, appealTo } = await chain.windowsOf(address, epoch, { signal });
      if (block < appealFrom) break;
      // A transaction that is sent now lands in the next block.
      if (block < appealTo) await consider(agreement, epoch);
    }
    nextEpoch.set(address, epoch);
  }

  async function consider(agreement: Agreement, epoch: number): Promise<void> {
    const { address } = agreement;
    const index = agreement.workerIds.indexOf(workerId);
    const known = await entries.get(address, epoch);
    if (known !== undefined && known.phase !== "appealing") return;
    if (known === undefined) {
      const outcome = (await chain.tallyOf(address, epoch, { signal }))[index];
      const accused = outcome === "wrong" || outcome === "unreachable";
      const resignedFrom = accused ? await chain.resignedFrom(address, index, { signal }) : undefined;
      const isMine = resignedFrom === undefined || epoch < resignedFrom;
      const defenceCid = accused && isMine ? await prepare(agreement, epoch, index, outcome) : undefined;
      const entry = { agreement: address, epoch, ...(defenceCid === undefined ? {} : { defenceCid }) };
      await entries.put({ ...entry, phase: defenceCid === undefined ? "considered" : "appealing" });
      if (defenceCid === undefined) return;
    }
    await appeal(agreement, epoch, index);
  }

  /** What this worker shows for itself, stored; undefined when it had better not appeal. */
  async function prepare(
    agreement: Agreement,
    epoch: number,
    index: number,
    outcome: "wrong" | "unreachable",
  ): Promise<string | undefined> {
    const { address } = agreement;
    const accusations = [];
    for (const report of await chain.reportsOf(address, epoch, { signal })) {
      const verdict = report.verdicts[index];
      if (verdict === undefined || verdict === "ok") continue;
      const accusation = { agreement: address, epoch, workerId, report, verdict };
      accusations.push(await examineAccusation(parts, accusation, { signal }));
    }
    const [bondWei, slashWei, gasPriceWei] = await Promise.all([
      chain.bondWei(address, { signal }),
      chain.slashWei(agreement, index, { signal }),
      chain.gasPriceWei({ signal }),
    ]);
    const findings = accusations.map(({ finding }) => finding);
    const decision = decideAppeal({
      outcome,
      findings,
      testerCount: agreement.testerCount,
      bondWei,
      slashWei,
      payWei: epochPayWei(agreement, epoch, index),
      gasWei: (APPEAL_GAS + WITHDRAW_BOND_GAS) * gasPriceWei,
    });
    const words = { agreement: address, epoch, outcome, findings, ...decision };
    if (!decision.appeal) {
      logger.warn("an outcome against this worker is not appealed", words);
      return undefined;
    }
    const defence = encodeDefence({
      version: 1,
      kind: "defence",
      agreement: new Uint8Array(fromHex(address)),
      epoch,
      workerId,
      accusations,
    });
    const defenceCid = await content.putRecord(defence, { signal });
    logger.warn("an outcome against this worker is appealed", { ...words, defenceCid });
    return defenceCid;
  }

  async function appeal(agreement: Agreement, epoch: number, index: number): Promise<void> {
    const { address } = agreement;
    if (!(await chain.appealedWorkers(address, epoch, { signal })).includes(index)) {
      const bondWei = await chain.bondWei(address, { signal });
      try {
        await chain.appeal(address, epoch, index, bondWei, { signal });
      } catch (error) {
        // A client or a tester may have been faster with the same appeal.
        const done = isSprfError(error, "CHAIN_REVERTED") && error.context["error"] === "Disputes_AlreadyAppealed";
        if (!done) throw error;
      }
    }
    const entry = await entries.get(address, epoch);
    await entries.put({ agreement: address, epoch, ...entry, phase: "appealed" });
  }

  /** Gets bonds back once their epochs are settled, and forgets what is over. */
  async function collectBonds({ block, agreements }: Look): Promise<void> {
    if (block < bondsFrom) return;
    bondsFrom = block + Math.min(...agreements.map(({ epochLengthBlocks }) => epochLengthBlocks), BONDS_EVERY_BLOCKS);
    const open = new Set(agreements.map(({ address }) => address));
    const over = [];
    let mayBeDue = false;
    for (const entry of await entries.all()) {
      if (open.has(entry.agreement) && entry.phase !== "appealed") continue;
      if (entry.phase === "appealed") {
        const { settledEpochs } = await chain.agreementState(entry.agreement, { signal });
        if (settledEpochs <= entry.epoch) continue;
        mayBeDue = true;
      }
      over.push(entry);
    }
    if (mayBeDue) {
      const creditWei = await chain.bondCreditWei(chain.account, { signal });
      const gasPriceWei = await chain.gasPriceWei({ signal });
      const worth = { gas: WITHDRAW_BOND_GAS, gasPriceWei, factor: withdrawFactor };
      if (creditWei > 0n && !isWorthwhile(creditWei, worth)) return;
      if (creditWei > 0n) {
        const withdrawnWei = await chain.withdrawBonds({ signal });
        logger.info("bonds withdrawn", { withdrawnWei: withdrawnWei.toString() });
      }
    }
    // An appealed epoch of an agreement that is still open must not be considered again; its window is over.
    if (over.length > 0) await entries.delete(over);
  }

  async function work(look: Look): Promise<void> {
    for (const agreement of look.agreements) {
      try {
        await attend(agreement, look.block);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn("an outcome cannot be looked into now", {
          agreement: agreement.address,
          reason: messageOf(error),
        });
      }
    }
    for (const address of nextEpoch.keys()) {
      if (!look.agreements.some((agreement) => agreement.address === address)) nextEpoch.delete(address);
    }
    try {
      await collectBonds(look);
    } catch (error) {
      if (!signal.aborted) logger.warn("bonds cannot be collected now", { reason: messageOf(error) });
    }
  }

  return {
    onLook(look) {
      if (signal.aborted) return;
      working ??= work(look).finally(() => {
        working = undefined;
      });
    },
    async stop() {
      life.abort();
      await working;
    },
  };
}
