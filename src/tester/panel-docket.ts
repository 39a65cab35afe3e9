import { commitmentOf } from "../domain/verdict/commitment.ts";
import { SprfError, isSprfError } from "../errors.ts";
import type { Agreement, TesterSeat } from "../ports/chain.ts";
import type { PanelWindows } from "../ports/disputes.ts";
import type { Docket } from "./docket.ts";
import { examinePanel, type ExaminePanelComponents } from "./examine-panel.ts";

/** The appeals of an epoch, for whose panel this tester was drawn. Its testers commit and reveal on their own. */
export function createPanelDocket(
  components: ExaminePanelComponents,
  {
    agreement,
    windows,
    epoch,
  }: { readonly agreement: Agreement; readonly windows: PanelWindows; readonly epoch: number },
): Docket {
  const { chain } = components;
  const { address } = agreement;
  const logger = components.logger.child({ agreement: address, epoch, round: "panel" });

  async function seat(signal: AbortSignal): Promise<TesterSeat | undefined> {
    return (await chain.panelOf(address, epoch, { signal })).find(({ tester }) => tester === chain.account);
  }

  /** A crash may have come between the transaction and its note. */
  async function unlessDone(work: Promise<void>, done: TesterSeat["status"], signal: AbortSignal): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!isSprfError(error, "CHAIN_REVERTED") || (await seat(signal))?.status !== done) throw error;
    }
  }

  return {
    windows,
    seat,
    isTimely: async () => await Promise.resolve(true),
    examine: async (parts) => await examinePanel({ ...components, logger }, { agreement, ...parts }),
    async commit({ duty, signal }) {
      const { report, salt } = duty;
      if (report === undefined) throw new SprfError("INTERNAL", "a duty without its report");
      if ((await seat(signal))?.status !== "drawn") return true;
      const commitment = commitmentOf({ agreement: address, epoch, tester: chain.account, salt, ...report });
      await unlessDone(chain.commitToPanel(address, epoch, commitment, { signal }), "committed", signal);
      return true;
    },
    async reveal({ duty, signal }) {
      const { report, salt } = duty;
      if (report === undefined) throw new SprfError("INTERNAL", "a duty without its report");
      const reveal = { tester: chain.account, ...report, salt };
      await unlessDone(chain.revealToPanel(address, epoch, reveal, { signal }), "revealed", signal);
      return true;
    },
    leave: async () => await Promise.resolve(),
  };
}
