import { isSprfError } from "../errors.ts";
import type { Agreement } from "../ports/chain.ts";
import type { Logger } from "../ports/logger.ts";
import type { Random } from "../ports/random.ts";
import { epochAt } from "../worker/agreements/authorise-address-request.ts";
import { createDutyRunner, type DutyInit, type DutyRunner } from "./duty-runner.ts";
import type { Duty, DutyStore } from "./duty-store.ts";
import { createEpochDocket, type EpochDocketComponents, type EpochDocketInit } from "./epoch-docket.ts";
import type { ExaminePanelComponents } from "./examine-panel.ts";
import { createPanelDocket } from "./panel-docket.ts";
import type { Purse } from "./purse.ts";
import { watchEpoch, type EpochWatch, type WatchEpochComponents, type WatchEpochInit } from "./watch-epoch.ts";

const SALT_BYTES = 32;

export interface DeskComponents extends EpochDocketComponents, ExaminePanelComponents, WatchEpochComponents {
  readonly duties: DutyStore;
  readonly purse: Purse;
  readonly random: Random;
  readonly logger: Logger;
}

export interface DeskInit extends DutyInit, WatchEpochInit, Pick<EpochDocketInit, "onPlan"> {}

/** All that a tester does about one agreement. */
export interface Desk {
  /** Does what `block` asks for, without waiting for examinations. */
  attend(agreement: Agreement, block: number): Promise<void>;
  /** Duties here, ended or not. */
  size(): number;
  /** True when no duty has anything left to do. */
  isIdle(): boolean;
  stop(): Promise<void>;
}

interface Entry {
  readonly runner: DutyRunner;
  /** After the reveal. */
  watch: EpochWatch | undefined;
  watched: boolean;
}

/** Takes up the duties of an agreement where the store has them. */
export async function openDesk(
  components: DeskComponents,
  init: DeskInit,
  {
    agreement: first,
    block: firstBlock,
    signal,
  }: { readonly agreement: Agreement; readonly block: number; readonly signal: AbortSignal },
): Promise<Desk> {
  const { chain, duties, random, logger } = components;
  const { address } = first;
  const entries = new Map<string, Entry>();
  let listening: Promise<(() => Promise<void>) | undefined> | undefined;
  /** Last epoch for which it is known that somebody else was drawn. */
  let notDrawn: number | undefined;
  /** Panels before this epoch's are over, or are not ours. */
  let panelCursor = await firstPanel();

  for (const duty of await duties.of(address)) await take(first, duty);

  /** Panels of earlier epochs can no longer be joined. */
  async function firstPanel(): Promise<number> {
    const { to, appealTo } = await chain.windowsOf(address, 0, { signal });
    const length = first.epochLengthBlocks;
    const span = appealTo - to + length;
    return Math.max(0, Math.floor((firstBlock - span - first.startBlock) / length) - 1);
  }

  async function take(agreement: Agreement, duty: Duty): Promise<void> {
    const { epoch } = duty;
    // Others may ask for the evidence for as long as a report can be disputed.
    listening ??= components.exchange?.listen(address).catch(() => undefined);
    const docket =
      duty.round === "panel"
        ? createPanelDocket(components, {
            agreement,
            windows: await chain.panelWindowsOf(address, epoch, { signal }),
            epoch,
          })
        : createEpochDocket(
            components,
            {
              onNews: () => entries.get(keyOf(duty))?.runner.poke(),
              ...(init.onPlan === undefined ? {} : { onPlan: init.onPlan }),
            },
            { agreement, windows: await chain.windowsOf(address, epoch, { signal }), epoch },
          );
    const runner = createDutyRunner(components, init, { docket, duty });
    entries.set(keyOf(duty), { runner, watch: undefined, watched: false });
  }

  async function assume(agreement: Agreement, epoch: number, round: Duty["round"]): Promise<void> {
    const salt = new Uint8Array(random.bytes(SALT_BYTES));
    const duty: Duty = { version: 1, agreement: address, epoch, round, phase: "probing", salt, reclaimed: false };
    await duties.put(duty);
    logger.info("drawn", { agreement: address, epoch, round });
    await take(agreement, duty);
  }

  /** Opens the epoch when this tester is drawn for it, and writes the duty down. */
  async function joinEpoch(agreement: Agreement, block: number): Promise<void> {
    const epoch = epochAt(agreement, block);
    if (epoch === undefined || notDrawn === epoch || entries.has(keyOf({ epoch, round: "epoch" }))) return;
    const windows = await chain.windowsOf(address, epoch, { signal });
    if (block < windows.commitFrom || block >= windows.commitTo) return;
    if (!(await chain.isOpen(address, epoch, { signal }))) {
      // The draw moves on when nobody opens the epoch for 256 blocks, so nothing is concluded from a preview.
      if (!(await chain.previewTesters(address, epoch, { signal })).includes(chain.account)) return;
      await unless(
        chain.openEpoch(address, epoch, { signal }),
        async () => await chain.isOpen(address, epoch, { signal }),
      );
    }
    const seat = (await chain.seatsOf(address, epoch, { signal })).find(({ tester }) => tester === chain.account);
    if (seat?.status !== "drawn") {
      notDrawn = epoch;
      if (seat !== undefined) logger.error("committed earlier, but nothing is stored", { agreement: address, epoch });
      return;
    }
    await assume(agreement, epoch, "epoch");
  }

  /** Joins the panels that this tester is drawn for. */
  async function joinPanels(agreement: Agreement, block: number): Promise<void> {
    for (let epoch = panelCursor; epoch < agreement.epochCount; epoch++) {
      const windows = await chain.panelWindowsOf(address, epoch, { signal });
      if (block < windows.commitFrom) return;
      if (block < windows.commitTo && !(await joinPanel(agreement, epoch))) return;
      panelCursor = epoch + 1;
    }
  }

  /** False when it is too early to say whether this tester is drawn. */
  async function joinPanel(agreement: Agreement, epoch: number): Promise<boolean> {
    if (entries.has(keyOf({ epoch, round: "panel" }))) return true;
    if ((await chain.appealedWorkers(address, epoch, { signal })).length === 0) return true;
    const isOpen = async (): Promise<boolean> => (await chain.panelOf(address, epoch, { signal })).length > 0;
    const drawn = await previewPanel(epoch);
    if (!drawn.includes(chain.account)) return await isOpen();
    if (!(await isOpen())) await unless(chain.openPanel(address, epoch, { signal }), isOpen);
    const seat = (await chain.panelOf(address, epoch, { signal })).find(({ tester }) => tester === chain.account);
    if (seat?.status === "drawn") await assume(agreement, epoch, "panel");
    return true;
  }

  /** Nobody, as long as there are too few testers that had no part in the epoch: the panel sits when one more registers. */
  async function previewPanel(epoch: number): Promise<readonly string[]> {
    try {
      return await chain.previewPanel(address, epoch, { signal });
    } catch (error) {
      if (isSprfError(error) && error.context["error"] === "Disputes_NotEnoughTesters") return [];
      throw error;
    }
  }

  /** Another of those drawn may have been faster. */
  async function unless(work: Promise<void>, isDone: () => Promise<boolean>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!isSprfError(error, "CHAIN_REVERTED") || !(await isDone())) throw error;
    }
  }

  async function advance(agreement: Agreement, entry: Entry, block: number): Promise<void> {
    const { runner } = entry;
    await runner.advance(block);
    const { duty } = runner;
    if (duty.round === "panel" || duty.phase !== "revealed" || entry.watched) return;
    entry.watch ??= watchEpoch(components, init, {
      agreement,
      duty,
      save: async (change) => await runner.save(change),
    });
    entry.watched = await entry.watch.advance(block);
  }

  return {
    async attend(agreement, block) {
      const joined = await Promise.allSettled([joinEpoch(agreement, block), joinPanels(agreement, block)]);
      const steps = [...entries.values()].map(async (entry) => await advance(agreement, entry, block));
      const results = [...joined, ...(await Promise.allSettled(steps))];
      // What fails does not hold up the rest, and is told.
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
    size: () => entries.size,
    isIdle: () =>
      [...entries.values()].every(
        ({ runner, watched }) =>
          runner.over() && (watched || runner.duty.round === "panel" || runner.duty.phase !== "revealed"),
      ),
    async stop() {
      await Promise.all(
        [...entries.values()].map(async ({ runner, watch }) => {
          await watch?.stop();
          await runner.stop();
        }),
      );
      await (
        await listening
      )?.();
      listening = undefined;
    },
  };
}

function keyOf({ epoch, round }: Pick<Duty, "epoch" | "round">): string {
  return `${epoch}/${round}`;
}
